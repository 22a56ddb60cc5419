//! The contracts every room of radloom shares: what a manifest may say, how patients, studies and
//! series are named, why an input was left out, and the Arrow schemas of everything written.
//!
//! # Brief overview
//!
//! - [`manifest::Manifest`] is the typed form of a run's TOML file; [`manifest::load`] reads one and
//!   reports errors with file, line and field.
//! - [`ids`] holds the newtypes for patients, studies, series and samples.
//! - [`reason::Reason`] is the closed list of codes under which an input is excluded.
//! - [`tables`] and [`voxel`] give the Arrow schemas of tables and voxel shards.
//! - [`lock::ReleaseLock`] is the record from which a release can be rebuilt, and
//!   [`outcome::UnitOutcome`] what each unit of the work leaves behind.
//! - [`mod@format`] holds the versions of the files and the one check of them.
//!
//! ```
//! use radloom_schemas::manifest::{self, Overrides};
//!
//! let text = r#"
//! version = 1
//! name = "demo"
//! [corpus]
//! layout = "ct-rate"
//! root = "corpus"
//! [[view]]
//! name = "mg3d"
//! preset = "mg3d"
//! "#;
//! let manifest = manifest::parse("demo.toml", text, &Overrides::default()).expect("valid manifest");
//! assert_eq!(manifest.view[0].resolve().expect("resolvable").output_shape(), Some([128, 96, 128]));
//! ```

pub mod format;
pub mod ids;
pub mod lock;
pub mod manifest;
pub mod named;
pub mod outcome;
pub mod reason;
pub mod rescale;
pub mod split;
pub mod study;
pub mod tables;
pub mod voxel;

//! Models of radloom: encoders, objectives and training of 3D vision-language models.
//!
//! # Brief overview
//!
//! A [`batch::BatchSource`] hands over studies as [`batch::StudyBatch`]. A [`system::System`] turns a batch
//! into tensors and those into losses, and [`trainer::train`] runs steps and writes checkpoints.
//! [`evaluate::evaluate`] measures a checkpoint. A [`device::DeviceChoice`] picks the backend at run time.
//!
//! ```
//! use radloom_model::device::DeviceChoice;
//!
//! let device: DeviceChoice = "cpu".parse()?;
//! assert_eq!(device, DeviceChoice::Cpu);
//! # Ok::<(), radloom_model::device::DeviceError>(())
//! ```

pub mod batch;
pub mod block;
pub mod device;
pub mod encoder;
pub mod evaluate;
pub mod handoff;
pub mod objective;
pub mod system;
pub mod text;
pub mod trainer;
pub mod weights;

mod kernel;
mod random;
#[cfg(test)]
mod testing;

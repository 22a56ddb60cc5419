//! The volume room: a 3D image on its affine, and the recipe that makes a view of it.
//!
//! # Brief overview
//!
//! - [`Volume`] holds voxels as stored, with the rescale to Hounsfield units still pending, and an
//!   [`Affine`] from voxel index to world (RAS, mm).
//! - [`AxisTaps`] says, for one axis, which source samples make each output sample. Orientation,
//!   resampling, cropping and resizing all become taps, and taps compose, so a recipe of several
//!   interpolations costs one pass.
//! - [`make_view`] runs a [`schemas::manifest::Recipe`] and gives a [`ViewTensor`]; [`SlabView`] does
//!   so for a volume that does not fit in memory.

mod affine;
mod body;
mod encode;
mod image;
#[cfg(test)]
mod reference;
pub(crate) mod repair;
mod resample;
mod slabs;
mod stored;
mod taps;
mod view;

pub use affine::Affine;
pub(crate) use affine::{cross, dot, norm};
pub(crate) use body::BODY_HOUNSFIELD;
pub(crate) use image::Scan;
pub use image::{Statistics, Volume, Voxels};
pub use slabs::{SlabError, SlabView};
pub use taps::AxisTaps;
pub use view::{ViewTensor, make_view};
pub(crate) use view::{spread_crops, too_large};

/// Number of this room's code. Raise it when a recipe gives other voxels for the same volume: it is part of
/// the fingerprint of every unit and the lock of every release.
pub const REVISION: u32 = 1;

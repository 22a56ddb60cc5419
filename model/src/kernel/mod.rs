//! Fused layers: a few that the CPU backend is slow at have a path of their own there, and the framework's operators
//! give the same everywhere else.
//!
//! Volumes are channels-last here, `[B, D, H, W, C]`.

mod backend;
mod channel_norm;
mod conv3d;
mod conv_norm;
mod lanes;
mod moments;
mod pool;

pub(crate) use channel_norm::channel_norm;
pub(crate) use conv_norm::conv_norm_relu;
pub(crate) use pool::mean_and_max;

use burn::module::RunningState;
use burn::tensor::{Tensor, backend::Backend};

/// Moves what a norm keeps towards what it sees, by the share `momentum`.
pub(crate) fn keep<B: Backend>(
    kept: [&RunningState<Tensor<B, 1>>; 2],
    seen: [Tensor<B, 1>; 2],
    momentum: f64,
) {
    for (kept, seen) in kept.into_iter().zip(seen) {
        let old = kept.value_sync() * (1.0 - momentum);
        kept.update((old + seen * momentum).detach());
    }
}

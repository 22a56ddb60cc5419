//! Which device computes: parsing of `--device` and the step from a run-time choice to a backend type.

use std::fmt;
use std::str::FromStr;

use burn::backend::{Autodiff, Flex};
use burn::tensor::backend::AutodiffBackend;
use thiserror::Error;

/// A device by name: `cpu` or `cuda:0`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeviceChoice {
    /// This machine's processor, all threads.
    #[default]
    Cpu,
    /// An NVIDIA GPU by index.
    Cuda(usize),
}

/// Why a device cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum DeviceError {
    /// The name is not one of ours.
    #[error("failed to use device `{name}`: expected `cpu`, `cuda` or `cuda:N`")]
    Unknown {
        /// Name that was given.
        name: String,
    },
    /// This binary has no CUDA backend.
    #[error(
        "failed to use device `cuda:{index}`: this build has no CUDA support; build it with `cargo build --release --features cuda`"
    )]
    NotBuilt {
        /// Index that was asked for.
        index: usize,
    },
}

impl FromStr for DeviceChoice {
    type Err = DeviceError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let unknown = || DeviceError::Unknown { name: name.to_owned() };
        match name.split_once(':') {
            None if name == "cpu" => Ok(Self::Cpu),
            None if name == "cuda" => Ok(Self::Cuda(0)),
            Some(("cuda", index)) => index.parse().map(Self::Cuda).map_err(|_| unknown()),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => formatter.write_str("cpu"),
            Self::Cuda(index) => write!(formatter, "cuda:{index}"),
        }
    }
}

/// Work that runs on any backend.
pub trait BackendJob {
    /// What the work returns.
    type Output;

    /// Runs on `device` of backend `B`.
    fn run<B: AutodiffBackend>(self, device: &B::Device) -> Self::Output;
}

/// Runs `job` on the chosen device.
///
/// # Errors
/// [`DeviceError::NotBuilt`] when the binary lacks the backend.
pub fn dispatch<J: BackendJob>(choice: DeviceChoice, job: J) -> Result<J::Output, DeviceError> {
    match choice {
        DeviceChoice::Cpu => {
            let device = burn::tensor::Device::<Flex>::default();
            Ok(job.run::<Autodiff<Flex>>(&device))
        }
        #[cfg(feature = "cuda")]
        DeviceChoice::Cuda(index) => {
            let device = burn_cuda::CudaDevice::new(index);
            Ok(job.run::<Autodiff<burn_cuda::Cuda>>(&device))
        }
        #[cfg(not(feature = "cuda"))]
        DeviceChoice::Cuda(index) => Err(DeviceError::NotBuilt { index }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_and_print_back() {
        for name in ["cpu", "cuda:0", "cuda:3"] {
            assert_eq!(name.parse::<DeviceChoice>().expect(name).to_string(), name);
        }
        assert_eq!("cuda".parse(), Ok(DeviceChoice::Cuda(0)));
        for name in ["gpu", "cuda:", "cuda:x", "cpu:0", ""] {
            assert!(name.parse::<DeviceChoice>().is_err(), "{name}");
        }
    }
}

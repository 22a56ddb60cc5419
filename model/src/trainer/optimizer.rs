//! `AdamW`, `Adam` and `SGD` with one gradient norm over all parameters and a state that is a plain file.
//!
//! Loshchilov and Hutter, arXiv 1711.05101; Adam, arXiv 1412.6980. State is kept by parameter path, not by the run-time
//! ids of the framework, so a checkpoint can be read into a new process; the file holds `<path>.moment_1`,
//! `<path>.moment_2` and `<path>.time`; with `SGD` the first is the velocity and the second holds nothing.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{AutodiffModule, ModuleMapper, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::backend::{AutodiffBackend, Backend};
use burn::tensor::{DType, Tensor, TensorData};
use schemas::manifest::train::{OptimizerKind, OptimizerSection};
use thiserror::Error;

use crate::weights::{ParamPath, StoredTensor, WeightsError, read_tensors, write_tensors};

/// Why the state of an optimizer cannot be read.
#[derive(Debug, Error)]
pub enum OptimizerError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The file lacks a part of a parameter's state.
    #[error("failed to read optimizer state `{path}`: `{name}` is incomplete")]
    Incomplete {
        /// File.
        path: String,
        /// Parameter.
        name: String,
    },
}

/// The optimizer of the manifest.
#[derive(Debug, Clone)]
pub struct Optimizer<B: AutodiffBackend> {
    section: OptimizerSection,
    state: BTreeMap<String, Moments<B::InnerBackend>>,
}

/// State of one parameter.
#[derive(Debug, Clone)]
struct Moments<B: Backend> {
    first: Tensor<B, 1>,
    second: Tensor<B, 1>,
    time: i32,
}

impl<B: AutodiffBackend> Optimizer<B> {
    /// Starts without any state.
    pub fn new(section: &OptimizerSection) -> Self {
        Self { section: section.clone(), state: BTreeMap::new() }
    }

    /// Updates every parameter that has a gradient; returns the module and the norm before clipping. A norm that
    /// is not finite leaves the module as it is.
    pub fn step<M: AutodiffModule<B>>(
        &mut self,
        module: M,
        gradients: GradientsParams,
        rate: f64,
    ) -> (M, f64) {
        let mut norm = Norm::<B> { gradients: &gradients, sum: None };
        module.visit(&mut norm);
        let norm = norm
            .sum
            .map_or(0.0, |sum| f64::from(sum.into_data().iter::<f32>().sum::<f32>()).sqrt());
        if !norm.is_finite() {
            return (module, norm);
        }
        let clip = self.section.gradient_clip;
        let scale = if clip > 0.0 && norm > clip { clip / norm } else { 1.0 };
        let mut update =
            Update { optimizer: self, gradients, rate, scale, path: ParamPath::default() };
        (module.map(&mut update), norm)
    }

    /// Writes the state.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), OptimizerError> {
        let mut tensors = BTreeMap::new();
        for (name, moments) in &self.state {
            let stored = |tensor: &Tensor<B::InnerBackend, 1>| {
                let values: Vec<f32> = tensor.to_data().iter::<f32>().collect();
                StoredTensor { shape: vec![values.len()], values }
            };
            tensors.insert(format!("{name}.moment_1"), stored(&moments.first));
            tensors.insert(format!("{name}.moment_2"), stored(&moments.second));
            // Exact up to 2^24 steps, after which the corrections it serves are 1 in single precision.
            let time = StoredTensor { shape: vec![1], values: vec![moments.time as f32] };
            tensors.insert(format!("{name}.time"), time);
        }
        Ok(write_tensors(&tensors, path)?)
    }

    /// Reads the state that [`Self::save`] wrote.
    ///
    /// # Errors
    /// When the file cannot be read or is incomplete.
    pub fn load(
        section: &OptimizerSection,
        path: &Path,
        device: &B::Device,
    ) -> Result<Self, OptimizerError> {
        let mut tensors = read_tensors(path)?;
        let names: Vec<String> = tensors
            .keys()
            .filter_map(|name| name.strip_suffix(".time").map(str::to_owned))
            .collect();
        let mut state = BTreeMap::new();
        for name in names {
            let mut take = |part: &str| {
                tensors.remove(&format!("{name}.{part}")).ok_or_else(|| {
                    OptimizerError::Incomplete {
                        path: path.display().to_string(),
                        name: name.clone(),
                    }
                })
            };
            let (first, second, time) = (take("moment_1")?, take("moment_2")?, take("time")?);
            let tensor = |stored: StoredTensor| {
                Tensor::from_data(
                    TensorData::new(stored.values, stored.shape),
                    (device, DType::F32),
                )
            };
            let time = time.values.first().copied().unwrap_or(0.0) as i32;
            state.insert(name, Moments { first: tensor(first), second: tensor(second), time });
        }
        Ok(Self { section: section.clone(), state })
    }
}

impl<B: Backend> Moments<B> {
    /// Adam's moments after one more gradient.
    fn next(kept: Option<Self>, gradient: Tensor<B, 1>, [beta_1, beta_2]: [f64; 2]) -> Self {
        let square = gradient.clone() * gradient.clone();
        match kept {
            Some(kept) => Self {
                first: kept.first * beta_1 + gradient * (1.0 - beta_1),
                second: kept.second * beta_2 + square * (1.0 - beta_2),
                time: kept.time + 1,
            },
            None => {
                Self { first: gradient * (1.0 - beta_1), second: square * (1.0 - beta_2), time: 1 }
            }
        }
    }

    /// `rate m' / (sqrt(v') + epsilon)`, with m' and v' free of their bias towards 0.
    fn step(&self, [beta_1, beta_2]: [f64; 2], epsilon: f64, rate: f64) -> Tensor<B, 1> {
        let first = 1.0 - beta_1.powi(self.time);
        let second = 1.0 - beta_2.powi(self.time);
        let root = (self.second.clone() / second).sqrt() + epsilon;
        self.first.clone() / root * (rate / first)
    }

    /// The sum of gradients of which each step keeps `momentum`, as PyTorch has it; there is no second moment.
    fn velocity(kept: Option<Self>, gradient: Tensor<B, 1>, momentum: f64) -> Self {
        let time = kept.as_ref().map_or(0, |kept| kept.time) + 1;
        let second = Tensor::zeros([1], &gradient.device());
        let first = match kept {
            Some(kept) => kept.first * momentum + gradient,
            None => gradient,
        };
        Self { first, second, time }
    }
}

/// Sums the squares of all gradients.
struct Norm<'a, B: AutodiffBackend> {
    gradients: &'a GradientsParams,
    sum: Option<Tensor<B::InnerBackend, 1>>,
}

impl<B: AutodiffBackend> ModuleVisitor<B> for Norm<'_, B> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<B, D>>) {
        if let Some(gradient) = self.gradients.get::<B::InnerBackend, D>(param.id) {
            let square = (gradient.clone() * gradient).sum();
            self.sum = Some(match self.sum.take() {
                Some(sum) => sum + square,
                None => square,
            });
        }
    }
}

/// Applies the update to each parameter.
struct Update<'a, B: AutodiffBackend> {
    optimizer: &'a mut Optimizer<B>,
    gradients: GradientsParams,
    rate: f64,
    scale: f64,
    path: ParamPath,
}

impl<B: AutodiffBackend> Update<'_, B> {
    /// Weight decay is for the matrices of linear layers and convolutions only.
    fn decays(&self) -> bool {
        self.path.name() == "weight" && (self.path.is_linear() || self.path.is_convolution())
    }

    /// Rate and decay of the parameter `name`.
    fn rate_and_decay(&self, name: &str) -> (f64, f64) {
        let section = &self.optimizer.section;
        let group = section.groups.iter().find(|group| group.holds(name));
        let rate = self.rate * group.map_or(1.0, |group| group.lr_factor);
        let decay = group.and_then(|group| group.weight_decay).unwrap_or(section.weight_decay);
        (rate, if self.decays() { decay } else { 0.0 })
    }
}

impl<B: AutodiffBackend> ModuleMapper<B> for Update<'_, B> {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.leave();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        let Some(gradient) = self.gradients.remove::<B::InnerBackend, D>(param.id) else {
            return param;
        };
        let name = self.path.dotted();
        let (rate, decay) = self.rate_and_decay(&name);
        if rate == 0.0 {
            return param;
        }
        let (id, tensor, mapper) = param.consume();
        let tensor = tensor.inner();
        let shape = tensor.dims();
        let count = shape.iter().product::<usize>();
        let tensor = tensor.reshape([count]);
        let mut gradient = gradient.reshape([count]) * self.scale;
        let section = &self.optimizer.section;
        let decoupled = section.kind == OptimizerKind::Adamw;
        if !decoupled && decay > 0.0 {
            gradient = gradient + tensor.clone() * decay;
        }
        let kept = self.optimizer.state.remove(&name);
        let moments = match section.kind {
            OptimizerKind::Sgd => Moments::velocity(kept, gradient, section.momentum),
            OptimizerKind::Adam | OptimizerKind::Adamw => {
                Moments::next(kept, gradient, section.betas)
            }
        };
        let change = match section.kind {
            OptimizerKind::Sgd => moments.first.clone() * rate,
            OptimizerKind::Adam | OptimizerKind::Adamw => {
                moments.step(section.betas, section.epsilon, rate)
            }
        };
        let shrink = if decoupled { 1.0 - rate * decay } else { 1.0 };
        let tensor = tensor * shrink - change;
        self.optimizer.state.insert(name, moments);
        let tensor = Tensor::from_inner(tensor.reshape(shape)).require_grad();
        Param::from_mapped_value(id, tensor, mapper)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::initialise;
    use burn::backend::flex::FlexDevice;
    use burn::backend::{Autodiff, Flex};
    use burn::nn::{Linear, LinearConfig};

    type B = Autodiff<Flex>;

    fn gradients(linear: &Linear<B>, step: usize) -> GradientsParams {
        let values: Vec<f32> =
            (0..12).map(|index| ((index * 7 + step * 5) % 11) as f32 - 5.0).collect();
        let input = Tensor::<B, 2>::from_data(TensorData::new(values, [3, 4]), &FlexDevice);
        let output = linear.forward(input);
        GradientsParams::from_grads((output.clone() * output).mean().backward(), linear)
    }

    fn values(linear: &Linear<B>) -> TensorData {
        linear.weight.val().into_data()
    }

    fn start() -> Linear<B> {
        initialise(LinearConfig::new(4, 5).init(&FlexDevice), 1)
    }

    #[test]
    fn clipping_bounds_the_norm_of_all_gradients_together() {
        let section = OptimizerSection { gradient_clip: 0.5, ..OptimizerSection::default() };
        let linear = start();
        let mut optimizer = Optimizer::<B>::new(&section);
        let (_, norm) = optimizer.step(linear.clone(), gradients(&linear, 0), 0.01);
        assert!(norm > 0.5);
        let sum: f32 = optimizer
            .state
            .values()
            .map(|moments| {
                let clipped = moments.first.clone() / 0.1;
                (clipped.clone() * clipped).sum().into_scalar()
            })
            .sum();
        assert!((sum.sqrt() - 0.5).abs() < 1e-4, "{}", sum.sqrt());
    }

    #[test]
    fn a_saved_state_goes_on_bit_for_bit() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("optimizer.safetensors");
        let section = OptimizerSection::default();
        let mut optimizer = Optimizer::<B>::new(&section);
        let mut linear = start();
        for step in 0..3 {
            linear = optimizer.step(linear.clone(), gradients(&linear, step), 0.01).0;
        }
        optimizer.save(&path).expect("save");
        let mut loaded = Optimizer::<B>::load(&section, &path, &FlexDevice).expect("load");
        let (first, _) = optimizer.step(linear.clone(), gradients(&linear, 3), 0.01);
        let (second, _) = loaded.step(linear.clone(), gradients(&linear, 3), 0.01);
        values(&first).assert_eq(&values(&second), true);
    }
}

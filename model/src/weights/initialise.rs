//! Initial weights as a function of a seed and the path of each parameter.
//!
//! Drawn on the host, so they are the same on every device and do not depend on the order in which layers are
//! made or on other users of the generator of a device.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Tensor, TensorData, backend::Backend};

use super::path::ParamPath;
use crate::random::Stream;

/// Deviation of embeddings, position tables and tokens, as in BERT and Swin.
const TABLE_DEVIATION: f64 = 0.02;

/// Draws every parameter of `module` from `seed`.
///
/// Matrices of linear layers: normal with the variance of Glorot and Bengio (2010), `2 / (in + out)`.
/// Convolutions: normal with the variance of He et al. (2015), `2 / in`. Embeddings, position tables and
/// tokens: normal with deviation 0.02, as in BERT and Swin. All are cut at two deviations. Norms start as the
/// identity, biases at 0.
pub fn initialise<B: Backend, M: Module<B>>(module: M, seed: u64) -> M {
    module.map(&mut Initialiser { seed, path: ParamPath::default() })
}

struct Initialiser {
    seed: u64,
    path: ParamPath,
}

impl<B: Backend> ModuleMapper<B> for Initialiser {
    fn enter_module(&mut self, name: &str, container_type: &str) {
        self.path.enter(name, container_type);
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.leave();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<B, D>>) -> Param<Tensor<B, D>> {
        // What batch norm has seen so far is no weight.
        if self.path.name().starts_with("running_") {
            return param;
        }
        let shape: [usize; D] = param.lazy_shape().dims();
        let count: usize = shape.iter().product();
        let values = match self.path.name() {
            "gamma" => vec![1.0; count],
            "beta" | "bias" => vec![0.0; count],
            _ => {
                let deviation = if self.path.is_linear() {
                    (2.0 / (shape[0] + shape[D - 1]) as f64).sqrt()
                } else if self.path.is_convolution() {
                    (2.0 * shape[0] as f64 / count as f64).sqrt()
                } else {
                    TABLE_DEVIATION
                };
                let mut stream = Stream::new(self.seed, &self.path.dotted(), 0);
                (0..count).map(|_| (stream.normal().clamp(-2.0, 2.0) * deviation) as f32).collect()
            }
        };
        let tensor =
            Tensor::from_data(TensorData::new(values, shape), &param.lazy_device()).require_grad();
        Param::initialized(param.id, tensor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Flex;
    use burn::backend::flex::FlexDevice;
    use burn::nn::{Linear, LinearConfig};

    fn weights(seed: u64) -> Vec<f32> {
        let linear: Linear<Flex> = initialise(LinearConfig::new(60, 40).init(&FlexDevice), seed);
        assert!(linear.bias.as_ref().is_some_and(|bias| {
            bias.val().into_data().to_vec::<f32>().is_ok_and(|bias| bias.iter().all(|&b| b == 0.0))
        }));
        linear.weight.val().into_data().to_vec().expect("floats")
    }

    #[test]
    fn the_same_seed_gives_the_same_weights_and_another_seed_others() {
        assert_eq!(weights(1), weights(1));
        assert_ne!(weights(1), weights(2));
    }

    #[test]
    fn linear_layers_have_the_glorot_deviation() {
        let values = weights(3);
        let variance = values.iter().map(|value| value * value).sum::<f32>() / values.len() as f32;
        // Clamping a normal at two deviations leaves 92 % of its variance.
        let expected = 0.92 * 2.0 / 100.0;
        assert!((variance / expected - 1.0).abs() < 0.1, "{variance} {expected}");
    }
}

//! Cross-attention between image and text.
//!
//! The released MG-3D code scales each token's own value by its mean affinity to the other modality, a scalar
//! gate without residual or pad mask. Our `described` reading is attention proper: tokens take in values of the
//! other modality, keep their own through a residual, and never see padding.

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::softmax;
use burn::tensor::{Bool, Tensor, backend::Backend};

use crate::encoder::{Mlp, project};

/// Multi-head attention from one modality to the other.
#[derive(Module, Debug)]
pub struct CrossAttention<B: Backend> {
    /// Query projection.
    pub query: Linear<B>,
    /// Key projection.
    pub key: Linear<B>,
    /// Value projection.
    pub value: Linear<B>,
    /// Output projection.
    pub output: Linear<B>,
    heads: usize,
}

impl<B: Backend> CrossAttention<B> {
    /// Makes the layer; `heads` divides `dim`.
    pub fn new(dim: usize, heads: usize, device: &B::Device) -> Self {
        let linear = || LinearConfig::new(dim, dim).init(device);
        Self { query: linear(), key: linear(), value: linear(), output: linear(), heads }
    }

    /// Mixes values of the context into every query. The result holds values of the context only.
    ///
    /// # Shapes
    /// - queries: `[B, Q, P]`
    /// - context: `[B, K, P]`
    /// - pad: `[B, K]`, true where the context is padding
    /// - output: `[B, Q, P]`
    pub fn forward(
        &self,
        queries: Tensor<B, 3>,
        context: Tensor<B, 3>,
        pad: Option<Tensor<B, 2, Bool>>,
    ) -> Tensor<B, 3> {
        let [batch, count, dim] = queries.dims();
        let length = context.dims()[1];
        let head_dim = dim / self.heads;
        let split = |tensor: Tensor<B, 3>| {
            let rows = tensor.dims()[1];
            tensor.reshape([batch, rows, self.heads, head_dim]).swap_dims(1, 2)
        };
        let query = split(project(&self.query, queries)) * (head_dim as f32).powf(-0.5);
        let key = split(project(&self.key, context.clone()));
        let value = split(project(&self.value, context));
        let mut scores = query.matmul(key.swap_dims(2, 3));
        if let Some(pad) = pad {
            let pad: Tensor<B, 4, Bool> =
                pad.reshape([batch, 1, 1, length]).expand([batch, self.heads, count, length]);
            scores = scores.mask_fill(pad, -1e9);
        }
        let mixed = softmax(scores, 3).matmul(value).swap_dims(1, 2).reshape([batch, count, dim]);
        project(&self.output, mixed)
    }
}

/// Cross-attention and a perceptron, each after a norm and with a residual.
#[derive(Module, Debug)]
pub struct FusionLayer<B: Backend> {
    /// Norm of the queries.
    pub norm_query: LayerNorm<B>,
    /// Norm of the context.
    pub norm_context: LayerNorm<B>,
    /// Attention to the context.
    pub attention: CrossAttention<B>,
    /// Norm before the perceptron.
    pub norm_mlp: LayerNorm<B>,
    /// Perceptron.
    pub mlp: Mlp<B>,
}

impl<B: Backend> FusionLayer<B> {
    /// Makes the layer; `heads` divides `dim`.
    pub fn new(dim: usize, heads: usize, device: &B::Device) -> Self {
        let norm = || LayerNormConfig::new(dim).init(device);
        Self {
            norm_query: norm(),
            norm_context: norm(),
            attention: CrossAttention::new(dim, heads, device),
            norm_mlp: norm(),
            mlp: Mlp {
                linear1: LinearConfig::new(dim, 4 * dim).init(device),
                linear2: LinearConfig::new(4 * dim, dim).init(device),
            },
        }
    }

    /// Fuses the context into the tokens; shapes as [`CrossAttention::forward`].
    pub fn forward(
        &self,
        tokens: Tensor<B, 3>,
        context: Tensor<B, 3>,
        pad: Option<Tensor<B, 2, Bool>>,
    ) -> Tensor<B, 3> {
        let query = self.norm_query.forward(tokens.clone());
        let context = self.norm_context.forward(context);
        let tokens = tokens + self.attention.forward(query, context, pad);
        tokens.clone() + self.mlp.forward(self.norm_mlp.forward(tokens))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::initialise;
    use burn::backend::Flex;
    use burn::backend::flex::FlexDevice;
    use burn::tensor::{TensorData, Tolerance};

    fn random(shape: [usize; 3], seed: u64) -> Tensor<Flex, 3> {
        let mut stream = crate::random::Stream::new(seed, "fusion", 0);
        let values: Vec<f32> =
            (0..shape.iter().product()).map(|_| stream.normal() as f32).collect();
        Tensor::from_data(TensorData::new(values, shape), &FlexDevice)
    }

    #[test]
    fn padding_of_the_context_does_not_change_the_result() {
        let device = FlexDevice;
        let layer = initialise(FusionLayer::<Flex>::new(8, 2, &device), 1);
        let (tokens, context) = (random([1, 3, 8], 1), random([1, 4, 8], 2));
        let plain = layer.forward(tokens.clone(), context.clone(), None);
        let padded = Tensor::cat(vec![context, random([1, 2, 8], 3) * 50.0], 1);
        let pad = vec![false, false, false, false, true, true];
        let pad = Tensor::from_data(TensorData::new(pad, [1, 6]), &device);
        let masked = layer.forward(tokens.clone(), padded.clone(), Some(pad));
        let tolerance = Tolerance::rel_abs(1e-5, 1e-6);
        masked.into_data().assert_approx_eq::<f32>(&plain.clone().into_data(), tolerance);
        let unmasked = layer.forward(tokens, padded, None);
        let distance: f32 = (unmasked - plain).abs().max().into_scalar();
        assert!(distance > 1e-3, "without the mask the padding must show");
    }
}

//! Head that turns text tokens back into words.

use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::gelu;
use burn::tensor::{Tensor, backend::Backend};

/// Prediction head of BERT: linear, GELU, norm, then one logit per word.
#[derive(Module, Debug)]
pub struct TextHead<B: Backend> {
    /// Keeps the channels.
    pub dense: Linear<B>,
    /// Norm after the activation.
    pub layer_norm: LayerNorm<B>,
    /// To the vocabulary.
    pub decoder: Linear<B>,
}

impl<B: Backend> TextHead<B> {
    /// Makes the head from tokens of `dim` channels to `words` logits.
    pub fn new(dim: usize, words: usize, device: &B::Device) -> Self {
        Self {
            dense: LinearConfig::new(dim, dim).init(device),
            layer_norm: LayerNormConfig::new(dim).init(device),
            decoder: LinearConfig::new(dim, words).init(device),
        }
    }

    /// `[K, P]` to logits `[K, V]`.
    pub fn forward(&self, tokens: Tensor<B, 2>) -> Tensor<B, 2> {
        self.decoder.forward(self.layer_norm.forward(gelu(self.dense.forward(tokens))))
    }
}

//! BERT text encoder: token ids `[B, T]` to features `[B, T, H]`.
//!
//! Devlin et al., arXiv 1810.04805. Layers normalise after their residual; dropout is left out, because
//! features must be the same each time they are computed within a step. Parameter names are those of Hugging
//! Face's `BertModel`, with `layer_norm` for `LayerNorm` and `self_attention` for `self`.

use burn::config::Config;
use burn::module::Module;
use burn::nn::{Embedding, EmbeddingConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::{gelu, softmax};
use burn::tensor::{Bool, Int, Tensor, backend::Backend};

use super::rows::project;

/// Configuration of a [`TextEncoder`], field for field of a Hugging Face `config.json`.
#[derive(Config, Debug)]
pub struct TextEncoderConfig {
    /// Token ids run below this.
    pub vocab_size: usize,
    /// Channels of a token.
    pub hidden_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Heads; a divisor of `hidden_size`.
    pub num_attention_heads: usize,
    /// Channels between the two linear layers of a block.
    pub intermediate_size: usize,
    /// Longest sequence.
    pub max_position_embeddings: usize,
    /// Segment types.
    #[config(default = 2)]
    pub type_vocab_size: usize,
    /// Added to the variance in every norm.
    #[config(default = 1e-12)]
    pub layer_norm_eps: f64,
}

/// Text encoder.
#[derive(Module, Debug)]
pub struct TextEncoder<B: Backend> {
    /// Sum of word, position and type vectors, normalised.
    pub embeddings: BertEmbeddings<B>,
    /// Stack of layers.
    pub encoder: BertEncoder<B>,
}

/// Input embeddings.
#[derive(Module, Debug)]
pub struct BertEmbeddings<B: Backend> {
    /// One vector a word piece.
    pub word_embeddings: Embedding<B>,
    /// One vector a position.
    pub position_embeddings: Embedding<B>,
    /// One vector a segment type; reports are type 0.
    pub token_type_embeddings: Embedding<B>,
    /// Norm of the sum.
    pub layer_norm: LayerNorm<B>,
}

/// Stack of layers.
#[derive(Module, Debug)]
pub struct BertEncoder<B: Backend> {
    /// Layers in order.
    pub layer: Vec<BertLayer<B>>,
}

/// Attention and a perceptron, each followed by residual and norm.
#[derive(Module, Debug)]
pub struct BertLayer<B: Backend> {
    /// Self-attention with its output projection.
    pub attention: BertAttention<B>,
    /// First half of the perceptron.
    pub intermediate: BertIntermediate<B>,
    /// Second half of the perceptron.
    pub output: BertOutput<B>,
}

/// Self-attention with its output projection.
#[derive(Module, Debug)]
pub struct BertAttention<B: Backend> {
    /// Query, key and value projections.
    pub self_attention: BertSelfAttention<B>,
    /// Output projection.
    pub output: BertSelfOutput<B>,
}

/// Query, key and value projections.
#[derive(Module, Debug)]
pub struct BertSelfAttention<B: Backend> {
    /// Query projection.
    pub query: Linear<B>,
    /// Key projection.
    pub key: Linear<B>,
    /// Value projection.
    pub value: Linear<B>,
    heads: usize,
}

/// Output projection of attention.
#[derive(Module, Debug)]
pub struct BertSelfOutput<B: Backend> {
    /// Projection.
    pub dense: Linear<B>,
    /// Norm after the residual.
    pub layer_norm: LayerNorm<B>,
}

/// First half of the perceptron.
#[derive(Module, Debug)]
pub struct BertIntermediate<B: Backend> {
    /// Widening layer.
    pub dense: Linear<B>,
}

/// Second half of the perceptron.
#[derive(Module, Debug)]
pub struct BertOutput<B: Backend> {
    /// Narrowing layer.
    pub dense: Linear<B>,
    /// Norm after the residual.
    pub layer_norm: LayerNorm<B>,
}

impl TextEncoderConfig {
    /// Makes the encoder.
    pub fn init<B: Backend>(&self, device: &B::Device) -> TextEncoder<B> {
        let hidden = self.hidden_size;
        let embedding = |rows: usize| EmbeddingConfig::new(rows, hidden).init(device);
        let norm = || LayerNormConfig::new(hidden).with_epsilon(self.layer_norm_eps).init(device);
        let linear = |from: usize, to: usize| LinearConfig::new(from, to).init(device);
        TextEncoder {
            embeddings: BertEmbeddings {
                word_embeddings: embedding(self.vocab_size),
                position_embeddings: embedding(self.max_position_embeddings),
                token_type_embeddings: embedding(self.type_vocab_size),
                layer_norm: norm(),
            },
            encoder: BertEncoder {
                layer: (0..self.num_hidden_layers)
                    .map(|_| BertLayer {
                        attention: BertAttention {
                            self_attention: BertSelfAttention {
                                query: linear(hidden, hidden),
                                key: linear(hidden, hidden),
                                value: linear(hidden, hidden),
                                heads: self.num_attention_heads,
                            },
                            output: BertSelfOutput {
                                dense: linear(hidden, hidden),
                                layer_norm: norm(),
                            },
                        },
                        intermediate: BertIntermediate {
                            dense: linear(hidden, self.intermediate_size),
                        },
                        output: BertOutput {
                            dense: linear(self.intermediate_size, hidden),
                            layer_norm: norm(),
                        },
                    })
                    .collect(),
            },
        }
    }
}

impl<B: Backend> TextEncoder<B> {
    /// Encodes token ids.
    ///
    /// # Shapes
    /// - ids: `[B, T]`
    /// - pad: `[B, T]`, true where a token is padding and must not be attended
    /// - output: `[B, T, H]`; rows of padding hold no meaning
    pub fn forward(&self, ids: Tensor<B, 2, Int>, pad: &Tensor<B, 2, Bool>) -> Tensor<B, 3> {
        let mut tokens = self.embeddings.forward(ids);
        for layer in &self.encoder.layer {
            tokens = layer.forward(tokens, pad.clone());
        }
        tokens
    }
}

impl<B: Backend> BertEmbeddings<B> {
    /// `[B, T]` to `[B, T, H]`.
    pub fn forward(&self, ids: Tensor<B, 2, Int>) -> Tensor<B, 3> {
        let [_, length] = ids.dims();
        let positions = self.position_embeddings.weight.val().narrow(0, 0, length);
        let segment = self.token_type_embeddings.weight.val().narrow(0, 0, 1);
        let words = self.word_embeddings.forward(ids);
        self.layer_norm.forward(words + (positions + segment).unsqueeze::<3>())
    }
}

impl<B: Backend> BertLayer<B> {
    /// `[B, T, H]` to `[B, T, H]`; see [`TextEncoder::forward`] for `pad`.
    pub fn forward(&self, tokens: Tensor<B, 3>, pad: Tensor<B, 2, Bool>) -> Tensor<B, 3> {
        let mixed = self.attention.self_attention.forward(tokens.clone(), pad);
        let output = &self.attention.output;
        let tokens = output.layer_norm.forward(project(&output.dense, mixed) + tokens);
        let wide = gelu(project(&self.intermediate.dense, tokens.clone()));
        self.output.layer_norm.forward(project(&self.output.dense, wide) + tokens)
    }
}

impl<B: Backend> BertSelfAttention<B> {
    /// `[B, T, H]` to `[B, T, H]`; see [`TextEncoder::forward`] for `pad`.
    pub fn forward(&self, tokens: Tensor<B, 3>, pad: Tensor<B, 2, Bool>) -> Tensor<B, 3> {
        let [batch, length, hidden] = tokens.dims();
        let head_dim = hidden / self.heads;
        let split = |tensor: Tensor<B, 3>| {
            tensor.reshape([batch, length, self.heads, head_dim]).swap_dims(1, 2)
        };
        let query = split(project(&self.query, tokens.clone())) * (head_dim as f32).powf(-0.5);
        let key = split(project(&self.key, tokens.clone()));
        let value = split(project(&self.value, tokens));
        let pad: Tensor<B, 4, Bool> =
            pad.reshape([batch, 1, 1, length]).expand([batch, self.heads, length, length]);
        let scores = query.matmul(key.swap_dims(2, 3)).mask_fill(pad, -1e9);
        softmax(scores, 3).matmul(value).swap_dims(1, 2).reshape([batch, length, hidden])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::initialise;
    use burn::backend::Flex;
    use burn::backend::flex::FlexDevice;
    use burn::tensor::{DType, TensorData, Tolerance};

    fn encoder() -> TextEncoder<Flex> {
        initialise(TextEncoderConfig::new(20, 8, 2, 2, 32, 12).init(&FlexDevice), 5)
    }

    fn run(ids: &[i32], length: usize) -> Vec<f32> {
        let device = FlexDevice;
        let mut padded = ids.to_vec();
        padded.resize(length, 0);
        let pad: Vec<bool> = (0..length).map(|index| index >= ids.len()).collect();
        let ids = Tensor::<Flex, 2, Int>::from_data(
            TensorData::new(padded, [1, length]),
            (&device, DType::I32),
        );
        let pad = Tensor::<Flex, 2, Bool>::from_data(TensorData::new(pad, [1, length]), &device);
        encoder().forward(ids, &pad).into_data().to_vec::<f32>().expect("floats")
    }

    #[test]
    fn padding_does_not_change_the_features_of_tokens() {
        let (short, long) = (run(&[2, 7, 9, 3], 4), run(&[2, 7, 9, 3], 11));
        let count = short.len();
        TensorData::new(long[..count].to_vec(), [count]).assert_approx_eq::<f32>(
            &TensorData::new(short, [count]),
            Tolerance::rel_abs(1e-5, 1e-6),
        );
    }

    #[test]
    fn a_token_sees_the_tokens_around_it() {
        let (first, second) = (run(&[2, 7, 9, 3], 4), run(&[2, 7, 10, 3], 4));
        assert!(first[..8].iter().zip(&second[..8]).any(|(a, b)| (a - b).abs() > 1e-4));
    }
}

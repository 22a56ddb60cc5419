//! Multi-head self-attention inside windows, with a learned bias for every relative position.

use burn::config::Config;
use burn::module::{Initializer, Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::softmax;
use burn::tensor::{Tensor, backend::Backend};

use super::rows::{index, take_rows};
use super::window::{WindowPlan, Windows};

/// Configuration of a [`WindowAttention`].
#[derive(Config, Debug)]
pub struct WindowAttentionConfig {
    /// Channels of a token.
    pub dim: usize,
    /// Heads; a divisor of `dim`.
    pub heads: usize,
    /// Window that the position table covers, in tokens.
    pub window: [usize; 3],
}

/// Windowed attention of Swin (arXiv 2103.14030) in three dimensions, named as MONAI's `WindowAttention`.
#[derive(Module, Debug)]
pub struct WindowAttention<B: Backend> {
    /// One row a relative position: `[(2 w0 - 1)(2 w1 - 1)(2 w2 - 1), heads]`.
    pub relative_position_bias_table: Param<Tensor<B, 2>>,
    /// Query, key and value at once: `dim -> 3 dim`.
    pub qkv: Linear<B>,
    /// Output projection.
    pub proj: Linear<B>,
    heads: usize,
    window: [usize; 3],
}

impl WindowAttentionConfig {
    /// Makes the layer.
    pub fn init<B: Backend>(&self, device: &B::Device) -> WindowAttention<B> {
        let rows: usize = self.window.iter().map(|edge| 2 * edge - 1).product();
        WindowAttention {
            relative_position_bias_table: Initializer::Zeros.init([rows, self.heads], device),
            qkv: LinearConfig::new(self.dim, 3 * self.dim).init(device),
            proj: LinearConfig::new(self.dim, self.dim).init(device),
            heads: self.heads,
            window: self.window,
        }
    }
}

impl<B: Backend> WindowAttention<B> {
    /// Heads of the layer.
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// Attends within every window.
    ///
    /// # Shapes
    /// - tokens: `[B, N, C]` in grid order
    /// - output: `[B, N, C]`
    pub fn forward(&self, tokens: Tensor<B, 3>, plan: &WindowPlan<B>) -> Tensor<B, 3> {
        let [batch, cells, channels] = tokens.dims();
        let flat: Tensor<B, 2> = tokens.reshape([batch * cells, channels]);
        // Three products with parts of the weight: cutting the joint result would copy it, and its gradient
        // would be three padded copies. The scale goes into the small weight, not into the large scores.
        let weight = self.qkv.weight.val();
        let bias = self.qkv.bias.as_ref().map(burn::module::Param::val);
        let part = |index: usize, scale: f32| -> Tensor<B, 4> {
            let weight = weight.clone().narrow(1, index * channels, channels) * scale;
            let mut part = flat.clone().matmul(weight);
            if let Some(bias) = &bias {
                let bias = bias.clone().narrow(0, index * channels, channels) * scale;
                part = part + bias.unsqueeze();
            }
            plan.split(part)
        };
        let scale = ((channels / self.heads) as f32).powf(-0.5);
        let (query, key, value) = (part(0, scale), part(1, 1.0), part(2, 1.0));
        // [R, heads, T, head_dim] -> [R, heads, T, T]
        let scores = query.matmul(key.swap_dims(2, 3));
        let weights = softmax(self.add_bias(scores, plan), 3);
        let mixed = plan.join(weights.matmul(value));
        self.proj.forward(mixed).reshape([batch, cells, channels])
    }

    /// Adds position bias and mask to scores `[R, heads, T, T]`. Both repeat along the leading axis, so this is
    /// one matrix and one row.
    fn add_bias(&self, scores: Tensor<B, 4>, plan: &WindowPlan<B>) -> Tensor<B, 4> {
        let shape = scores.dims();
        let [rows, heads, count, _] = shape;
        let bias = self.position_bias(&plan.windows);
        let (period, bias): (usize, Tensor<B, 4>) = match plan.mask.clone() {
            None => (1, bias.unsqueeze()),
            // [count, 1, T, T] + [1, heads, T, T]
            Some(mask) => (mask.dims()[0], mask.unsqueeze_dim::<4>(1) + bias.unsqueeze::<4>()),
        };
        let width = period * heads * count * count;
        let scores: Tensor<B, 2> = scores.reshape([rows / period, width]);
        (scores + bias.reshape([1, width])).reshape(shape)
    }

    /// Bias of every pair of tokens, `[heads, T, T]`.
    fn position_bias(&self, windows: &Windows) -> Tensor<B, 3> {
        let count = windows.tokens();
        let table = self.relative_position_bias_table.val();
        let positions = index(windows.relative_positions(self.window), &table.device());
        take_rows(table, &positions).swap_dims(0, 1).reshape([self.heads, count, count])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::initialise;
    use burn::backend::Flex;
    use burn::backend::flex::FlexDevice;
    use burn::tensor::TensorData;

    fn random(shape: [usize; 3], seed: u64) -> Tensor<Flex, 3> {
        let mut stream = crate::random::Stream::new(seed, "test", 0);
        let count = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|_| stream.normal() as f32).collect();
        Tensor::from_data(TensorData::new(values, shape), &FlexDevice)
    }

    /// With the mask, changing a token changes only outputs of its own region.
    #[test]
    fn attention_does_not_leak_across_the_wrapped_border() {
        let device = FlexDevice;
        let attention =
            initialise(WindowAttentionConfig::new(8, 2, [4, 3, 4]).init::<Flex>(&device), 1);
        let windows = Windows::new([8, 6, 4], [4, 3, 4], true);
        let plan = WindowPlan::new(windows, 1, 2, &device);
        let regions = windows.regions();
        // Outputs in window order, as the regions are.
        let run = |tokens: Tensor<Flex, 3>| {
            let output = attention.forward(tokens, &plan).reshape([8 * 6 * 4, 8]);
            let order = plan.windows.places().into_iter().flatten();
            let order = index(order.map(|place| place as i32).collect(), &device);
            take_rows(output, &order).into_data().to_vec::<f32>().expect("floats")
        };
        let grid = random([1, 8 * 6 * 4, 8], 2);
        let before = run(grid.clone());
        // The first token of the volume rolls to the end of the last window.
        let mut changed = grid.into_data();
        changed.as_mut_slice::<f32>().expect("floats")[..8].fill(9.0);
        let after = run(Tensor::from_data(changed, &device));
        let tokens = windows.tokens();
        let touched: Vec<bool> = before
            .chunks(8)
            .zip(after.chunks(8))
            .map(|(a, b)| a.iter().zip(b).any(|(a, b)| (a - b).abs() > 1e-6))
            .collect();
        let source = (0..regions.len())
            .max_by_key(|&index| {
                let distance: f32 = (0..8)
                    .map(|channel| (before[index * 8 + channel] - after[index * 8 + channel]).abs())
                    .sum();
                (distance * 1e6) as u64
            })
            .expect("tokens");
        assert!(touched[source]);
        let mut neighbours = 0;
        for index in 0..regions.len() {
            if index / tokens != source / tokens || regions[index] != regions[source] {
                assert!(!touched[index], "token {index} saw across the border");
            } else {
                neighbours += 1;
            }
        }
        assert!(neighbours > 1 && neighbours < tokens, "{neighbours} tokens share the region");
    }

    #[test]
    fn volumes_of_a_batch_do_not_see_each_other() {
        let device = FlexDevice;
        let attention =
            initialise(WindowAttentionConfig::new(8, 2, [2, 2, 2]).init::<Flex>(&device), 1);
        let windows = Windows::new([4, 4, 4], [2, 2, 2], true);
        let run = |tokens: Tensor<Flex, 3>| {
            let plan = WindowPlan::new(windows, tokens.dims()[0], 2, &device);
            attention.forward(tokens, &plan)
        };
        let (first, second) = (random([1, 64, 8], 1), random([1, 64, 8], 2));
        let together = run(Tensor::cat(vec![first.clone(), second.clone()], 0));
        let apart = Tensor::cat(vec![run(first), run(second)], 0);
        together.into_data().assert_approx_eq::<f32>(
            &apart.into_data(),
            burn::tensor::Tolerance::rel_abs(1e-5, 1e-6),
        );
    }
}

//! Mean and maximum over the cells of channels-last volumes.

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::tensor::{Tensor, TensorMetadata, backend::Backend};
use rayon::prelude::*;

use super::backend::{from_cpu, from_tracked, on_cpu, tensor, tracked, values};

/// Mean and maximum of each channel over all cells.
///
/// # Shapes
/// - cells: `[B, D, H, W, C]`
/// - output: `[B, 2 C]`, means first
pub(crate) fn mean_and_max<B: Backend>(cells: Tensor<B, 5>) -> Tensor<B, 2> {
    if let Some(cells) = on_cpu(&cells) {
        return from_cpu(pool(&cells).0);
    }
    if let Some(cells) = tracked(&cells) {
        let primitive = cells.primitive.to_contiguous();
        let (pooled, arguments) = pool(&primitive);
        let prepared = MeanAndMax.prepare::<NoCheckpointing>([cells.node]).compute_bound();
        return from_tracked(match prepared.stateful() {
            OpsKind::Tracked(prepared) => {
                prepared.finish(State { shape: dims(&primitive), arguments }, pooled)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(pooled),
        });
    }
    let [batch, d, h, w, channels] = cells.dims();
    let cells = cells.reshape([batch, d * h * w, channels]);
    let mean = cells.clone().mean_dim(1).squeeze_dim::<2>(1);
    Tensor::cat(vec![mean, cells.max_dim(1).squeeze_dim::<2>(1)], 1)
}

#[derive(Debug)]
struct MeanAndMax;

#[derive(Debug, Clone)]
struct State {
    shape: [usize; 5],
    /// Cell of the maximum of each channel of each volume.
    arguments: Vec<u32>,
}

impl Backward<Flex, 1> for MeanAndMax {
    type State = State;

    fn backward(self, ops: Ops<State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        let ([Some(parent)], State { shape, arguments }) = (ops.parents, ops.state) else { return };
        let [_, d, h, w, channels] = shape;
        let count = d * h * w;
        let mut cells = vec![0.0; shape.iter().product()];
        cells
            .par_chunks_mut(count * channels)
            .zip(values(&gradient).par_chunks(2 * channels))
            .zip(arguments.par_chunks(channels))
            .for_each(|((cells, gradient), arguments)| {
                let (mean, max) = gradient.split_at(channels);
                let mean: Vec<f32> = mean.iter().map(|value| value / count as f32).collect();
                for cell in cells.chunks_exact_mut(channels) {
                    cell.copy_from_slice(&mean);
                }
                for (channel, (&cell, gradient)) in arguments.iter().zip(max).enumerate() {
                    cells[cell as usize * channels + channel] += gradient;
                }
            });
        grads.register::<Flex>(parent.id, tensor(cells, shape));
    }
}

fn dims(tensor: &FlexTensor) -> [usize; 5] {
    tensor.shape().dims()
}

/// Means and maxima, and the cells of the maxima.
fn pool(cells: &FlexTensor) -> (FlexTensor, Vec<u32>) {
    let [batch, d, h, w, channels] = dims(cells);
    let count = d * h * w;
    let mut pooled = vec![0.0; batch * 2 * channels];
    let mut arguments = vec![0; batch * channels];
    pooled
        .par_chunks_mut(2 * channels)
        .zip(arguments.par_chunks_mut(channels))
        .zip(values(cells).par_chunks(count * channels))
        .for_each(|((pooled, arguments), cells)| {
            let (mean, max) = pooled.split_at_mut(channels);
            let mut sums = vec![0.0_f64; channels];
            let mut stretch = vec![0.0_f32; channels];
            max.fill(f32::NEG_INFINITY);
            for (index, part) in cells.chunks(64 * channels).enumerate() {
                stretch.fill(0.0);
                for (offset, cell) in part.chunks_exact(channels).enumerate() {
                    let at = (64 * index + offset) as u32;
                    for channel in 0..channels {
                        let value = cell[channel];
                        stretch[channel] += value;
                        // A number that is none stays, as it does in the mean.
                        let larger = value > max[channel] || value.is_nan();
                        max[channel] = if larger { value } else { max[channel] };
                        arguments[channel] = if larger { at } else { arguments[channel] };
                    }
                }
                for (sum, &part) in sums.iter_mut().zip(&stretch) {
                    *sum += f64::from(part);
                }
            }
            for (mean, sum) in mean.iter_mut().zip(sums) {
                *mean = (sum / count as f64) as f32;
            }
        });
    (tensor(pooled, [batch, 2 * channels]), arguments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::flex::FlexDevice;
    use burn::tensor::{TensorData, Tolerance};

    type B = super::super::backend::Tracked;

    #[test]
    fn values_and_gradients_are_those_of_the_library() {
        let shape = [2, 3, 5, 7, 3];
        let values: Vec<f32> = (0..shape.iter().product::<usize>())
            .map(|index| ((index * 7919) % 1009) as f32 / 100.0 - 5.0)
            .collect();
        let input = || {
            let data = TensorData::new(values.clone(), shape);
            Tensor::<B, 5>::from_data(data, &FlexDevice).require_grad()
        };
        let (one, two) = (input(), input());
        let cells = two.clone().reshape([2, 3 * 5 * 7, 3]);
        let plain = vec![cells.clone().mean_dim(1), cells.max_dim(1)];
        let [found, wanted] =
            [mean_and_max(one.clone()), Tensor::cat(plain, 2).squeeze_dim::<2>(1)];
        let same = |found: TensorData, wanted: TensorData| {
            assert_eq!(found.shape, wanted.shape);
            found.assert_approx_eq::<f32>(&wanted, Tolerance::rel_abs(1e-5, 1e-6));
        };
        same(found.to_data(), wanted.to_data());
        same(mean_and_max(one.clone().inner()).to_data(), wanted.to_data());
        let [found, wanted] = [found, wanted].map(|pooled| (pooled.clone() * pooled).sum());
        same(
            one.grad(&found.backward()).expect("one").into_data(),
            two.grad(&wanted.backward()).expect("one").into_data(),
        );
    }
}

//! Convolution, batch norm, residual and rectifier as one layer.

use std::cell::RefCell;
use std::sync::Arc;

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::nn::BatchNorm;
use burn::nn::conv::Conv3d;
use burn::tensor::activation::relu;
use burn::tensor::{Tensor, TensorMetadata, backend::Backend};
use rayon::prelude::*;

use super::backend::{TrackedTensor, from_cpu, from_tracked, on_cpu, tensor, tracked, values};
use super::conv3d::{
    ConvShape, LANES, backward_input, backward_weight, forward, pack, pack_transposed, pad, unpack,
};
use super::keep;
use super::lanes::{Rectified, activate};
use super::moments::{Moments, inverse};

/// `relu(norm(conv(cells)))`, or `relu(norm(conv(cells)) + cells)` where `residual`; the norm takes the batch's mean and
/// variance in training, and what it kept of them otherwise.
///
/// The kernel is 3 x 3 x 3 with padding 1, without a bias, of stride 1 or 2 along all axes.
///
/// # Shapes
/// - cells: `[B, D, H, W, C]`
/// - output: `[B, D', H', W', C']`
pub(crate) fn conv_norm_relu<B: Backend>(
    cells: Tensor<B, 5>,
    conv: &Conv3d<B>,
    norm: &BatchNorm<B>,
    residual: bool,
) -> Tensor<B, 5> {
    let [to, from, kernel @ ..] = conv.weight.dims();
    debug_assert_eq!((kernel, conv.bias.is_some()), ([3; 3], false));
    let [_, edges @ .., _] = cells.dims();
    let shape = ConvShape { input: edges, from, to, stride: conv.stride[0] };
    if to.is_multiple_of(LANES) {
        let parts = (on_cpu(&cells), on_cpu(&conv.weight.val()));
        if let (Some(cells), Some(weight)) = parts {
            let [gamma, beta] = [norm.gamma.val(), norm.beta.val()].map(|values| on_cpu(&values));
            let [mean, variance] =
                [&norm.running_mean, &norm.running_var].map(|kept| on_cpu(&kept.value_sync()));
            let affine = [gamma, beta, mean, variance].map(|part| part.expect("the same backend"));
            return from_cpu(infer(&cells, &weight, &affine, norm.epsilon, shape, residual));
        }
        // Without a register's worth of input channels there is no gradient of the input.
        let cells =
            tracked(&cells).filter(|cells| from.is_multiple_of(LANES) || !cells.is_tracked());
        if let Some(cells) = cells {
            let [weight, gamma, beta] = [
                tracked(&conv.weight.val()),
                tracked(&norm.gamma.val()),
                tracked(&norm.beta.val()),
            ]
            .map(|part| part.expect("the same backend"));
            let nodes = [&cells, &weight, &gamma, &beta].map(|part| part.node.clone());
            let [cells, weight, gamma, beta] =
                [cells, weight, gamma, beta].map(|part| part.primitive.to_contiguous());
            let (state, moments) =
                train(cells, weight, gamma, &beta, norm.epsilon, shape, residual);
            let [mean, variance] = [moments.mean(), moments.variance()]
                .map(|values| from_tracked(TrackedTensor::new(tensor(values, [to]))));
            keep([&norm.running_mean, &norm.running_var], [mean, variance], norm.momentum);
            let output = state.output.clone();
            let prepared = ConvNormRelu.prepare::<NoCheckpointing>(nodes).compute_bound();
            return from_tracked(match prepared.stateful() {
                OpsKind::Tracked(prepared) => prepared.finish(state, output),
                OpsKind::UnTracked(prepared) => prepared.finish(output),
            });
        }
    }
    let map = conv.forward(cells.clone().permute([0, 4, 1, 2, 3]));
    let map = norm.forward(map).permute([0, 2, 3, 4, 1]);
    relu(if residual { map + cells } else { map })
}

thread_local! {
    /// Volumes of a thread: a padded input, the gradient of an output, and that padded.
    static SCRATCH: RefCell<[Vec<f32>; 3]> = const { RefCell::new([const { Vec::new() }; 3]) };
}

/// The convolution of all volumes, `[B, D', H', W', C']`, and what `then` makes of each.
fn convolve<T: Send>(
    cells: &FlexTensor,
    weight: &FlexTensor,
    shape: ConvShape,
    then: impl Fn(&mut [f32], usize) -> T + Sync,
) -> (Vec<f32>, Vec<T>) {
    let ConvShape { input, from, to, .. } = shape;
    let packed = pack(values(weight), from, to);
    let cells = values(cells);
    let (inputs, outputs) =
        (input.iter().product::<usize>() * from, shape.output().iter().product::<usize>() * to);
    let mut convolved = vec![0.0; cells.len() / inputs * outputs];
    let found = convolved
        .par_chunks_mut(outputs)
        .zip(cells.par_chunks(inputs))
        .enumerate()
        .map(|(sample, (output, cells))| {
            SCRATCH.with_borrow_mut(|[padded, ..]| {
                pad(cells, input, from, padded);
                forward(padded, &packed, output, shape);
            });
            then(output, sample)
        })
        .collect();
    (convolved, found)
}

fn batch_of(cells: &FlexTensor) -> usize {
    cells.shape()[0]
}

fn output_dims(batch: usize, shape: ConvShape) -> [usize; 5] {
    let [d, h, w] = shape.output();
    [batch, d, h, w, shape.to]
}

/// With the mean and the variance that the norm kept.
fn infer(
    cells: &FlexTensor,
    weight: &FlexTensor,
    affine: &[FlexTensor; 4],
    epsilon: f64,
    shape: ConvShape,
    residual: bool,
) -> FlexTensor {
    let [gamma, beta, mean, variance] = affine.each_ref().map(values);
    let scale: Vec<f32> = gamma
        .iter()
        .zip(variance)
        .map(|(gamma, variance)| gamma * inverse(*variance, epsilon))
        .collect();
    let shift: Vec<f32> = beta
        .iter()
        .zip(mean)
        .zip(&scale)
        .map(|((beta, mean), scale)| beta - mean * scale)
        .collect();
    let inputs = values(cells);
    let (output, _) = convolve(cells, weight, shape, |output, sample| {
        let before = &inputs[sample * output.len()..];
        activate(output, [&scale, &shift], residual.then_some(before));
    });
    tensor(output, output_dims(batch_of(cells), shape))
}

/// With the mean and the variance of the batch.
fn train(
    cells: FlexTensor,
    weight: FlexTensor,
    gamma: FlexTensor,
    beta: &FlexTensor,
    epsilon: f64,
    shape: ConvShape,
    residual: bool,
) -> (State, Moments) {
    let (convolved, moments) =
        convolve(&cells, &weight, shape, |output, _| Moments::new(output, shape.to));
    let moments = Moments::join(moments).expect("a batch holds a volume");
    let mean = moments.mean();
    let inverse: Vec<f32> =
        moments.variance().into_iter().map(|variance| inverse(variance, epsilon)).collect();
    let scale: Vec<f32> =
        values(&gamma).iter().zip(&inverse).map(|(gamma, inverse)| gamma * inverse).collect();
    let shift: Vec<f32> = values(beta)
        .iter()
        .zip(mean.iter().zip(&scale))
        .map(|(beta, (mean, scale))| beta - mean * scale)
        .collect();
    let mut output = vec![0.0; convolved.len()];
    let volume = convolved.len() / batch_of(&cells);
    output.par_chunks_mut(volume).zip(convolved.par_chunks(volume)).enumerate().for_each(
        |(sample, (output, convolved))| {
            let before = &values(&cells)[sample * volume..];
            output.copy_from_slice(convolved);
            activate(output, [&scale, &shift], residual.then_some(before));
        },
    );
    let output = tensor(output, output_dims(batch_of(&cells), shape));
    let state = State {
        cells,
        weight,
        gamma,
        convolved: Arc::new(convolved),
        output,
        mean,
        inverse,
        shape,
        residual,
    };
    (state, moments)
}

#[derive(Debug)]
struct ConvNormRelu;

/// What the backward pass needs.
#[derive(Debug, Clone)]
struct State {
    cells: FlexTensor,
    weight: FlexTensor,
    gamma: FlexTensor,
    convolved: Arc<Vec<f32>>,
    output: FlexTensor,
    mean: Vec<f32>,
    inverse: Vec<f32>,
    shape: ConvShape,
    residual: bool,
}

impl State {
    /// A sample of the batch with the gradient of its output.
    fn sample<'a>(&'a self, gradient: &'a [f32], sample: usize) -> Rectified<'a> {
        let at = sample * gradient.len()..(sample + 1) * gradient.len();
        Rectified {
            gradient,
            output: &values(&self.output)[at.clone()],
            input: &self.convolved[at],
            mean: &self.mean,
            inverse: &self.inverse,
        }
    }
}

impl Backward<Flex, 4> for ConvNormRelu {
    type State = State;

    fn backward(self, ops: Ops<State, 4>, grads: &mut Gradients, _: &mut Checkpointer) {
        let gradient = grads.consume::<Flex>(&ops.node).to_contiguous();
        let (gradient, state) = (values(&gradient), ops.state);
        let ConvShape { input, from, to, .. } = state.shape;
        let volume = state.shape.output().iter().product::<usize>() * to;
        let batch = gradient.len() / volume;
        let count = (gradient.len() / to) as f64;

        let parts: Vec<_> = gradient
            .par_chunks(volume)
            .enumerate()
            .map(|(sample, gradient)| state.sample(gradient, sample).sums())
            .collect();
        let [beta, gamma] = [0, 1].map(|which| -> Vec<f32> {
            (0..to)
                .map(|channel| parts.iter().map(|part| part[which][channel]).sum::<f64>() as f32)
                .collect()
        });
        // Ioffe and Szegedy: dx = gamma / sigma * (dy - mean(dy) - normed * mean(dy * normed)).
        let scale: Vec<f32> =
            values(&state.gamma).iter().zip(&state.inverse).map(|(g, i)| g * i).collect();
        let [mean, slope] = [&beta, &gamma].map(|sums| -> Vec<f32> {
            sums.iter().map(|&sum| (f64::from(sum) / count) as f32).collect()
        });

        let [cells_node, weight_node, gamma_node, beta_node] = ops.parents;
        let volume_in = input.iter().product::<usize>() * from;
        let transposed =
            cells_node.as_ref().map(|_| pack_transposed(values(&state.weight), from, to));
        let mut cells = vec![0.0; if cells_node.is_some() { batch * volume_in } else { 0 }];
        let mut chunks: Vec<Option<&mut [f32]>> = cells.chunks_mut(volume_in).map(Some).collect();
        chunks.resize_with(batch, || None);
        let weights: Vec<Vec<f32>> = gradient
            .par_chunks(volume)
            .zip(chunks)
            .enumerate()
            .map(|(sample, (gradient, cells))| {
                SCRATCH.with_borrow_mut(|[padded, before, padded_gradient]| {
                    let mut cells = cells;
                    let rectified = state.sample(gradient, sample);
                    before.resize(volume, 0.0);
                    rectified.write(before, [&scale, &mean, &slope]);
                    if let (Some(cells), Some(transposed)) = (&mut cells, &transposed) {
                        pad(before, state.shape.output(), to, padded_gradient);
                        backward_input(padded_gradient, transposed, cells, state.shape);
                        if state.residual {
                            rectified.add_residual(cells);
                        }
                    }
                    let mut weight = vec![0.0; state.weight.shape().num_elements()];
                    let inputs = &values(&state.cells)[sample * volume_in..][..volume_in];
                    pad(inputs, input, from, padded);
                    backward_weight(padded, before, &mut weight, state.shape);
                    weight
                })
            })
            .collect();

        if let Some(node) = cells_node {
            let [d, h, w] = input;
            grads.register::<Flex>(node.id, tensor(cells, [batch, d, h, w, from]));
        }
        if let Some(node) = weight_node {
            let sum = weights.into_iter().reduce(|mut sum, part| {
                for (sum, part) in sum.iter_mut().zip(part) {
                    *sum += part;
                }
                sum
            });
            let weight = unpack(&sum.expect("a batch holds a volume"), from, to);
            grads.register::<Flex>(node.id, tensor(weight, [to, from, 3, 3, 3]));
        }
        for (node, sums) in [(gamma_node, gamma), (beta_node, beta)] {
            if let Some(node) = node {
                grads.register::<Flex>(node.id, tensor(sums, [to]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::weights::initialise;
    use burn::backend::flex::FlexDevice;
    use burn::module::AutodiffModule;
    use burn::nn::conv::Conv3dConfig;
    use burn::nn::{BatchNormConfig, PaddingConfig3d};
    use burn::tensor::{TensorData, Tolerance};

    type B = super::super::backend::Tracked;

    fn cells(shape: [usize; 5]) -> Tensor<B, 5> {
        let count = shape.iter().product::<usize>();
        let values: Vec<f32> =
            (0..count).map(|index| ((index * 37) % 101) as f32 / 25.0 - 1.5).collect();
        Tensor::from_data(TensorData::new(values, shape), &FlexDevice)
    }

    fn layer(from: usize, to: usize, stride: usize) -> (Conv3d<B>, BatchNorm<B>) {
        let conv = Conv3dConfig::new([from, to], [3; 3])
            .with_stride([stride; 3])
            .with_padding(PaddingConfig3d::Explicit(1, 1, 1))
            .with_bias(false)
            .init(&FlexDevice);
        let norm = BatchNormConfig::new(to).init(&FlexDevice);
        let spread = |start: f32| {
            let values: Vec<f32> = (0..to).map(|index| start + 0.1 * index as f32).collect();
            Tensor::from_data(TensorData::new(values, [to]), &FlexDevice).require_grad()
        };
        let norm = BatchNorm {
            gamma: burn::module::Param::from_tensor(spread(0.5)),
            beta: burn::module::Param::from_tensor(spread(-0.3)),
            ..norm
        };
        (initialise(conv, 3), norm)
    }

    /// The library's layers.
    fn plain<B: Backend>(
        cells: Tensor<B, 5>,
        conv: &Conv3d<B>,
        norm: &BatchNorm<B>,
        residual: bool,
    ) -> Tensor<B, 5> {
        let map = norm.forward(conv.forward(cells.clone().permute([0, 4, 1, 2, 3])));
        let map = map.permute([0, 2, 3, 4, 1]);
        relu(if residual { map + cells } else { map })
    }

    #[test]
    fn values_gradients_and_running_statistics_are_those_of_the_library() {
        let same = |what: &str, found: TensorData, wanted: TensorData| {
            assert_eq!(found.shape, wanted.shape, "{what}");
            found.assert_approx_eq::<f32>(&wanted, Tolerance::rel_abs(1e-3, 1e-4));
        };
        for (shape, to, stride, residual) in [
            ([3, 4, 5, 6, 4], 8, 2, false),
            ([2, 5, 4, 11, 8], 16, 2, false),
            ([2, 3, 4, 9, 8], 8, 1, true),
            ([2, 3, 4, 5, 16], 24, 1, false),
            ([2, 4, 4, 4, 3], 8, 2, false),
        ] {
            let from = shape[4];
            let what = format!("{from} to {to} channels, stride {stride}, residual {residual}");
            let ((conv, ours), (_, theirs)) = (layer(from, to, stride), layer(from, to, stride));
            let (one, two) = (cells(shape).require_grad(), cells(shape).require_grad());
            for _ in 0..2 {
                let found = conv_norm_relu(one.clone(), &conv, &ours, residual);
                let wanted = plain(two.clone(), &conv, &theirs, residual);
                same(&what, found.to_data(), wanted.to_data());
                let by = cells(wanted.dims());
                let found = (found * by.clone()).sum().backward();
                let wanted = (wanted * by).sum().backward();
                let of =
                    |tensor: &Tensor<B, 5>, grads| tensor.grad(grads).expect("one").into_data();
                same(&what, of(&one, &found), of(&two, &wanted));
                let weight = conv.weight.val();
                same(&what, of(&weight, &found), of(&weight, &wanted));
                for (a, b) in [(&ours.gamma, &theirs.gamma), (&ours.beta, &theirs.beta)] {
                    let of = |tensor: Tensor<B, 1>, grads| tensor.grad(grads).expect("one");
                    same(&what, of(a.val(), &found).into_data(), of(b.val(), &wanted).into_data());
                }
            }
            for (a, b) in [
                (&ours.running_mean, &theirs.running_mean),
                (&ours.running_var, &theirs.running_var),
            ] {
                same(&what, a.value_sync().to_data(), b.value_sync().to_data());
            }
            let (conv, ours) = (conv.valid(), ours.valid());
            let input = cells(shape).inner();
            same(
                &what,
                conv_norm_relu(input.clone(), &conv, &ours, residual).to_data(),
                plain(input, &conv, &ours, residual).to_data(),
            );
        }
    }

    #[test]
    fn an_input_without_gradient_gives_the_weights_theirs() {
        let (conv, norm) = layer(4, 8, 2);
        let (_, again) = layer(4, 8, 2);
        let input = cells([2, 4, 6, 8, 4]);
        let found = conv_norm_relu(input.clone(), &conv, &norm, false);
        let wanted = plain(input, &conv, &again, false);
        let by = cells(wanted.dims());
        let weight = conv.weight.val();
        let [found, wanted] = [found, wanted].map(|output| {
            weight.grad(&(output * by.clone()).sum().backward()).expect("one").into_data()
        });
        found.assert_approx_eq::<f32>(&wanted, Tolerance::rel_abs(1e-3, 1e-4));
    }
}

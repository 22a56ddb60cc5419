//! Batch norm of volumes, in the shapes that every backend is fast at.

use burn::nn::BatchNorm;
use burn::tensor::{Tensor, backend::Backend};

/// Batch norm (Ioffe and Szegedy, arXiv 1502.03167) of `[B, C, ...]`, as [`BatchNorm::forward`] has it.
///
/// The rows of one channel of one sample are contiguous, and one number per row is all that is broadcast; over five axes
/// with broadcasts between, the CPU backend walks element by element, about ten times slower.
pub(super) fn batch_norm<B: Backend, const D: usize>(
    norm: &BatchNorm<B>,
    input: Tensor<B, D>,
) -> Tensor<B, D> {
    let dims = input.dims();
    let [batch, channels] = [dims[0], dims[1]];
    let cells = dims[2..].iter().product::<usize>();
    let is_training = B::ad_enabled(&input.device());
    // [B, C, ...] -> [B * C, N]
    let rows: Tensor<B, 2> = input.reshape([batch * channels, cells]);
    // One number per channel to one per row, and back to its mean over the batch.
    let spread = |values: Tensor<B, 1>| -> Tensor<B, 2> {
        values.reshape([1, channels]).repeat_dim(0, batch).reshape([batch * channels, 1])
    };
    let gather = |values: Tensor<B, 2>| -> Tensor<B, 1> {
        values.mean_dim(1).reshape([batch, channels]).mean_dim(0).reshape([channels])
    };
    let mean = if is_training { gather(rows.clone()) } else { norm.running_mean.value() };
    let centred = rows - spread(mean.clone());
    let variance = if is_training {
        gather(centred.clone() * centred.clone())
    } else {
        norm.running_var.value()
    };
    if is_training {
        let keep = 1.0 - norm.momentum;
        let old = norm.running_mean.value_sync() * keep;
        norm.running_mean.update((old + mean.detach() * norm.momentum).detach());
        let old = norm.running_var.value_sync() * keep;
        norm.running_var.update((old + variance.clone().detach() * norm.momentum).detach());
    }
    let scale = norm.gamma.val() / variance.add_scalar(norm.epsilon).sqrt();
    (centred * spread(scale) + spread(norm.beta.val())).reshape(dims)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::flex::FlexDevice;
    use burn::backend::{Autodiff, Flex};
    use burn::module::AutodiffModule;
    use burn::nn::BatchNormConfig;
    use burn::tensor::{TensorData, Tolerance};

    type B = Autodiff<Flex>;

    fn volume() -> Tensor<B, 5> {
        let values: Vec<f32> =
            (0..3 * 4 * 2 * 3 * 5).map(|index| ((index * 37) % 101) as f32 / 25.0 - 1.5).collect();
        Tensor::from_data(TensorData::new(values, [3, 4, 2, 3, 5]), &FlexDevice)
    }

    #[test]
    fn values_gradients_and_running_statistics_are_those_of_the_library() {
        let (ours, theirs): (BatchNorm<B>, BatchNorm<B>) =
            (BatchNormConfig::new(4).init(&FlexDevice), BatchNormConfig::new(4).init(&FlexDevice));
        let same = |a: TensorData, b: TensorData| {
            a.assert_approx_eq::<f32>(&b, Tolerance::rel_abs(1e-4, 1e-5));
        };
        let (one, two) = (volume().require_grad(), volume().require_grad());
        for _ in 0..3 {
            let (first, second) = (batch_norm(&ours, one.clone()), theirs.forward(two.clone()));
            same(first.to_data(), second.to_data());
            let first = (first.clone() * first.clone() * first).sum().backward();
            let second = (second.clone() * second.clone() * second).sum().backward();
            same(
                one.grad(&first).expect("one").into_data(),
                two.grad(&second).expect("one").into_data(),
            );
            let gamma = |norm: &BatchNorm<B>, gradients| {
                norm.gamma.val().grad(gradients).expect("one").into_data()
            };
            same(gamma(&ours, &first), gamma(&theirs, &second));
        }
        same(ours.running_mean.value_sync().to_data(), theirs.running_mean.value_sync().to_data());
        same(ours.running_var.value_sync().to_data(), theirs.running_var.value_sync().to_data());
        let (ours, theirs) = (ours.valid(), theirs.valid());
        let input = volume().inner();
        same(batch_norm(&ours, input.clone()).to_data(), theirs.forward(input).to_data());
    }
}

//! Voxels with each channel at mean 0 and variance 1.

use burn::backend::flex::FlexTensor;
use burn::tensor::{Tensor, TensorMetadata, backend::Backend};
use rayon::prelude::*;

use super::backend::{TrackedTensor, from_cpu, from_tracked, on_cpu, tensor, tracked, values};
use super::moments::{Moments, inverse};

/// Norm of each channel, without a learned scale, and from channels-first to channels-last.
///
/// # Shapes
/// - volume: `[B, C, D, H, W]`
/// - given: mean and variance to norm by, `[C]` each; those of the batch where none
/// - output: `[B, D, H, W, C]`, and the mean and the variance that it was normed by, `[C]` each
pub(crate) fn channel_norm<B: Backend>(
    volume: Tensor<B, 5>,
    given: Option<[Tensor<B, 1>; 2]>,
    epsilon: f64,
) -> (Tensor<B, 5>, [Tensor<B, 1>; 2]) {
    if let Some(cells) = on_cpu(&volume) {
        let given =
            given.map(|given| given.map(|values| on_cpu(&values).expect("the same backend")));
        let (cells, moments) = norm(&cells, given, epsilon);
        return (from_cpu(cells), moments.map(from_cpu));
    }
    if let Some(cells) = tracked(&volume).filter(|cells| !cells.is_tracked()) {
        let given = given.map(|given| {
            given
                .map(|values| tracked(&values).expect("the same backend").primitive.to_contiguous())
        });
        let (cells, moments) = norm(&cells.primitive.to_contiguous(), given, epsilon);
        let [cells, mean, variance] =
            [cells, moments[0].clone(), moments[1].clone()].map(TrackedTensor::new);
        return (from_tracked(cells), [from_tracked(mean), from_tracked(variance)]);
    }
    let [batch, channels, d, h, w] = volume.dims();
    let rows: Tensor<B, 2> = volume.reshape([batch * channels, d * h * w]);
    // One number per channel to one per row, and back to its mean over the batch.
    let spread = |values: Tensor<B, 1>| -> Tensor<B, 2> {
        values.reshape([1, channels]).repeat_dim(0, batch).reshape([batch * channels, 1])
    };
    let gather = |values: Tensor<B, 2>| -> Tensor<B, 1> {
        values.mean_dim(1).reshape([batch, channels]).mean_dim(0).reshape([channels])
    };
    let [mean, variance] = given.unwrap_or_else(|| {
        let mean = gather(rows.clone());
        let centred = rows.clone() - spread(mean.clone());
        [mean, gather(centred.clone() * centred)]
    });
    let scale = variance.clone().add_scalar(epsilon).sqrt();
    let cells = (rows - spread(mean.clone())) / spread(scale);
    (cells.reshape([batch, channels, d, h, w]).permute([0, 2, 3, 4, 1]), [mean, variance])
}

fn norm(
    volume: &FlexTensor,
    given: Option<[FlexTensor; 2]>,
    epsilon: f64,
) -> (FlexTensor, [FlexTensor; 2]) {
    let [batch, channels, d, h, w]: [usize; 5] = volume.shape().dims();
    let count = d * h * w;
    let volume = values(volume);
    let [mean, variance] = if let Some(given) = given {
        given.map(|given| values(&given).to_vec())
    } else {
        let parts: Vec<Moments> = volume.par_chunks(count).map(Moments::of_channel).collect();
        let moments = (0..channels).map(|channel| {
            let parts = parts.iter().skip(channel).step_by(channels).cloned();
            Moments::join(parts).map_or((0.0, 1.0), |all| (all.mean()[0], all.variance()[0]))
        });
        let (mean, variance) = moments.unzip();
        [mean, variance]
    };
    let scale: Vec<f32> = variance.iter().map(|&variance| inverse(variance, epsilon)).collect();
    let mut cells = vec![0.0; volume.len()];
    cells.par_chunks_mut(count * channels).zip(volume.par_chunks(count * channels)).for_each(
        |(cells, volume)| {
            // A stretch of cells of all channels stays near while it is filled channel by channel.
            for (index, cells) in cells.chunks_mut(512 * channels).enumerate() {
                for channel in 0..channels {
                    let values = &volume[channel * count + 512 * index..(channel + 1) * count];
                    let (mean, scale) = (mean[channel], scale[channel]);
                    for (cell, value) in
                        cells.iter_mut().skip(channel).step_by(channels).zip(values)
                    {
                        *cell = (value - mean) * scale;
                    }
                }
            }
        },
    );
    (
        tensor(cells, [batch, d, h, w, channels]),
        [tensor(mean, [channels]), tensor(variance, [channels])],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::flex::FlexDevice;
    use burn::tensor::{TensorData, Tolerance};

    type B = super::super::backend::Tracked;

    #[test]
    fn each_channel_gets_mean_0_and_variance_1_with_and_without_a_graph() {
        let shape = [2, 3, 4, 5, 30];
        let count = shape.iter().product::<usize>();
        let values: Vec<f32> = (0..count)
            .map(|index| ((index * 37) % 101) as f32 / 25.0 + (index / 600) as f32)
            .collect();
        let volume = Tensor::<B, 5>::from_data(TensorData::new(values, shape), &FlexDevice);
        let same = |found: TensorData, wanted: &TensorData| {
            assert_eq!(found.shape, wanted.shape);
            found.assert_approx_eq::<f32>(wanted, Tolerance::rel_abs(1e-4, 1e-5));
        };
        let (fast, moments) = channel_norm(volume.clone(), None, 1e-5);
        let (plain, wanted) = channel_norm(volume.clone().require_grad(), None, 1e-5);
        let wanted = wanted.map(|moments| moments.to_data());
        same(fast.to_data(), &plain.to_data());
        for (found, wanted) in moments.iter().zip(&wanted) {
            same(found.to_data(), wanted);
        }
        for channel in 0..3 {
            let values = fast.clone().narrow(4, channel, 1);
            assert!(values.clone().mean().into_scalar().abs() < 1e-4);
            assert!(((values.clone() * values).mean().into_scalar() - 1.0).abs() < 1e-3);
        }
        let given = moments.map(Tensor::inner);
        let (again, _) = channel_norm(volume.inner(), Some(given), 1e-5);
        same(again.to_data(), &plain.to_data());
    }
}

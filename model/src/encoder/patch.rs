//! Non-overlapping patches of a volume, as matrices.
//!
//! Patches do not overlap, so the usual strided convolution is a reshape and one matrix product, which is
//! several times faster on a processor.

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Tensor, backend::Backend};

use super::rows::{index, project, take_rows};

/// Cuts `[B, C, D, H, W]` into patches of edges `patch`: `[B, D/p0 * H/p1 * W/p2, C * p0 * p1 * p2]`.
///
/// Patches are in C order, and so are the values of a patch (channel first).
pub fn patchify<B: Backend>(volume: Tensor<B, 5>, patch: [usize; 3]) -> Tensor<B, 3> {
    let [batch, channels, depth, height, width] = volume.dims();
    let count = (depth / patch[0]) * (height / patch[1]) * (width / patch[2]);
    let values = channels * patch.iter().product::<usize>();
    let all: Vec<usize> = (0..batch * count).collect();
    take_patches(volume, patch, &all).reshape([batch, count, values])
}

/// Some patches of [`patchify`], as rows of its `[B * N, values]`: `[K, values]`.
pub fn take_patches<B: Backend>(
    volume: Tensor<B, 5>,
    patch: [usize; 3],
    patches: &[usize],
) -> Tensor<B, 2> {
    let [batch, channels, depth, height, width] = volume.dims();
    let [p0, p1, p2] = patch;
    let [_, g1, g2] = [depth / p0, height / p1, width / p2];
    let count = (depth / p0) * g1 * g2;
    // A run of p2 voxels lies together in memory, so a patch is a list of such runs.
    let mut runs = Vec::with_capacity(patches.len() * channels * p0 * p1);
    for &patch in patches {
        let (sample, cell) = (patch / count, patch % count);
        let (d, h, w) = (cell / (g1 * g2), cell / g2 % g1, cell % g2);
        for channel in 0..channels {
            for i in d * p0..(d + 1) * p0 {
                let plane = ((sample * channels + channel) * depth + i) * height;
                runs.extend((h * p1..(h + 1) * p1).map(|j| ((plane + j) * g2 + w) as i32));
            }
        }
    }
    let rows = index(runs, &volume.device());
    let volume: Tensor<B, 2> = volume.reshape([batch * channels * depth * height * g2, p2]);
    take_rows(volume, &rows).reshape([patches.len(), channels * p0 * p1 * p2])
}

/// Inverse of [`patchify`] for a token grid of `grid`.
pub fn unpatchify<B: Backend>(
    patches: Tensor<B, 3>,
    grid: [usize; 3],
    patch: [usize; 3],
) -> Tensor<B, 5> {
    let [batch, _, values] = patches.dims();
    let [p0, p1, p2] = patch;
    let channels = values / (p0 * p1 * p2);
    patches
        .reshape([batch, grid[0], grid[1], grid[2], channels, p0, p1, p2])
        .permute([0, 4, 1, 5, 2, 6, 3, 7])
        .reshape([batch, channels, grid[0] * p0, grid[1] * p1, grid[2] * p2])
}

/// Linear embedding of patches. `proj` is the convolution of MONAI's `PatchEmbed` with its kernel flattened.
#[derive(Module, Debug)]
pub struct PatchEmbed<B: Backend> {
    /// From the values of a patch to channels.
    pub proj: Linear<B>,
}

impl<B: Backend> PatchEmbed<B> {
    /// Makes the layer for `channels` image channels.
    pub fn new(channels: usize, patch: [usize; 3], embed_dim: usize, device: &B::Device) -> Self {
        let values = channels * patch.iter().product::<usize>();
        Self { proj: LinearConfig::new(values, embed_dim).init(device) }
    }

    /// Embeds patches.
    ///
    /// # Shapes
    /// - patches: `[B, N, C * p0 * p1 * p2]`
    /// - output: `[B, N, E]`
    pub fn forward(&self, patches: Tensor<B, 3>) -> Tensor<B, 3> {
        project(&self.proj, patches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Flex;
    use burn::backend::flex::FlexDevice;
    use burn::tensor::{Int, TensorData, Tolerance};

    #[test]
    fn unpatchify_reverses_patchify() {
        let device = FlexDevice;
        let volume = Tensor::<Flex, 1, Int>::arange(0..2 * 4 * 6 * 8, &device)
            .float()
            .reshape([1, 2, 4, 6, 8]);
        let patches = patchify(volume.clone(), [2, 3, 4]);
        assert_eq!(patches.dims(), [1, 8, 48]);
        let back = unpatchify(patches, [2, 2, 2], [2, 3, 4]);
        back.into_data().assert_eq(&volume.into_data(), true);
    }

    #[test]
    fn patches_equal_their_definition() {
        let device = FlexDevice;
        let volume = Tensor::<Flex, 1, Int>::arange(0..2 * 2 * 4 * 6 * 8, &device)
            .float()
            .reshape([2, 2, 4, 6, 8]);
        let expected = volume
            .clone()
            .reshape([2, 2, 2, 2, 2, 3, 2, 4])
            .permute([0, 2, 4, 6, 1, 3, 5, 7])
            .reshape([2, 8, 48]);
        let found = patchify(volume.clone(), [2, 3, 4]);
        found.into_data().assert_eq(&expected.clone().into_data(), true);
        let some = take_patches(volume, [2, 3, 4], &[1, 9, 15]);
        let rows = expected.reshape([16, 48]).select(0, index(vec![1, 9, 15], &device));
        some.into_data().assert_eq(&rows.into_data(), true);
    }

    #[test]
    fn embedding_equals_the_strided_convolution() {
        let device = FlexDevice;
        let patch = [2, 3, 2];
        let embed = PatchEmbed::<Flex>::new(2, patch, 5, &device);
        let count = 2 * 4 * 6 * 4;
        let values: Vec<f32> =
            (0..count).map(|index| ((index * 37) % 101) as f32 / 101.0).collect();
        let volume =
            Tensor::<Flex, 5>::from_data(TensorData::new(values, [1, 2, 4, 6, 4]), &device);
        // [2 * 2 * 3 * 2, 5] -> [5, 2, 2, 3, 2], the kernel that MONAI stores.
        let kernel = embed.proj.weight.val().transpose().reshape([5, 2, 2, 3, 2]);
        let bias = embed.proj.bias.as_ref().map(burn::module::Param::val);
        let expected = burn::tensor::module::conv3d(
            volume.clone(),
            kernel,
            bias,
            burn::tensor::ops::ConvOptions::new([2, 3, 2], [0, 0, 0], [1, 1, 1], 1),
        );
        let expected = expected.reshape([1, 5, 8]).swap_dims(1, 2);
        embed
            .forward(patchify(volume, patch))
            .into_data()
            .assert_approx_eq::<f32>(&expected.into_data(), Tolerance::rel_abs(1e-5, 1e-6));
    }
}

//! 3 x 3 x 3 convolution of one volume on the CPU, forward and backward.
//!
//! Volumes are channels-last, `[D, H, W, C]`, so that the channels of a voxel fill a register: eight output channels of
//! eight voxels are summed in registers while a weight is read once for all of them. Padding is one zero voxel around,
//! the stride 1 or 2. Sums run in one fixed order, whatever the number of threads.

#![expect(
    clippy::inline_always,
    reason = "what is not inlined is not compiled for the wide registers of its caller"
)]

/// Output channels that one register holds; the channels of an output are a multiple.
pub(super) const LANES: usize = 8;
/// Weights between two channels.
const TAPS: usize = 27;
/// Voxels whose sums are held in registers at once.
const VOXELS: usize = 8;

/// Shape of one convolution.
#[derive(Debug, Clone, Copy)]
pub(super) struct ConvShape {
    /// Voxels of the input along D, H, W.
    pub input: [usize; 3],
    /// Input channels.
    pub from: usize,
    /// Output channels.
    pub to: usize,
    /// Step between outputs along every axis, 1 or 2.
    pub stride: usize,
}

impl ConvShape {
    /// Voxels of the output along D, H, W.
    pub(super) fn output(&self) -> [usize; 3] {
        self.input.map(|edge| (edge - 1) / self.stride + 1)
    }
}

/// Writes a volume with a rim of one zero voxel.
pub(super) fn pad(volume: &[f32], [d, h, w]: [usize; 3], channels: usize, padded: &mut Vec<f32>) {
    let (row, padded_row) = (w * channels, (w + 2) * channels);
    padded.clear();
    padded.resize((d + 2) * (h + 2) * padded_row, 0.0);
    for (index, row) in volume.chunks_exact(row).enumerate() {
        let (z, y) = (index / h, index % h);
        let at = ((z + 1) * (h + 2) + y + 1) * padded_row + channels;
        padded[at..at + row.len()].copy_from_slice(row);
    }
}

/// Where the weight between two channels at a tap stands among packed weights, `[outer / LANES, 27, inner, LANES]`.
fn packed_at(outer: usize, inner: usize, tap: usize, inners: usize) -> usize {
    ((outer / LANES * TAPS + tap) * inners + inner) * LANES + outer % LANES
}

/// Calls back with the place of each weight of `[to, from, 27]` in that order, and output, input and tap.
fn each_weight(from: usize, to: usize, mut call: impl FnMut(usize, [usize; 3])) {
    for output in 0..to {
        for input in 0..from {
            for tap in 0..TAPS {
                call((output * from + input) * TAPS + tap, [output, input, tap]);
            }
        }
    }
}

/// Weights `[to, from, 27]` as [`forward`] takes them.
pub(super) fn pack(weight: &[f32], from: usize, to: usize) -> Vec<f32> {
    let mut packed = vec![0.0; weight.len()];
    each_weight(from, to, |at, [output, input, tap]| {
        packed[packed_at(output, input, tap, from)] = weight[at];
    });
    packed
}

/// Weights `[to, from, 27]` as [`backward_input`] takes them.
pub(super) fn pack_transposed(weight: &[f32], from: usize, to: usize) -> Vec<f32> {
    let mut packed = vec![0.0; weight.len()];
    each_weight(from, to, |at, [output, input, tap]| {
        packed[packed_at(input, output, tap, to)] = weight[at];
    });
    packed
}

/// Weights of [`pack`] as `[to, from, 27]`.
pub(super) fn unpack(packed: &[f32], from: usize, to: usize) -> Vec<f32> {
    let mut weight = vec![0.0; packed.len()];
    each_weight(from, to, |at, [output, input, tap]| {
        weight[at] = packed[packed_at(output, input, tap, from)];
    });
    weight
}

/// The convolution of a padded volume.
#[inline(always)]
fn forward_body<const FMA: bool>(
    padded: &[f32],
    weight: &[f32],
    output: &mut [f32],
    shape: ConvShape,
) {
    let ConvShape { from, to, stride, input: [_, height, width] } = shape;
    let [_, h, w] = shape.output();
    for (index, out) in output.chunks_exact_mut(w * to).enumerate() {
        let (z, y) = (index / h, index % h);
        let taps: [Tap; TAPS] = std::array::from_fn(|tap| {
            let [dz, dy, dx] = offsets(tap);
            let row = (z * stride + dz) * (height + 2) + y * stride + dy;
            Tap { first: (row * (width + 2) + dx) * from, weight: tap }
        });
        let row = Row { input: padded, step: stride * from, taps: &taps, weight, channels: from };
        row.write::<FMA>(out, to, to, w);
    }
}

/// The gradient of the input out of the padded gradient of the output.
#[inline(always)]
fn backward_input_body<const FMA: bool>(
    padded: &[f32],
    weight: &[f32],
    input: &mut [f32],
    shape: ConvShape,
) {
    let ConvShape { from, to, stride, input: [_, height, width] } = shape;
    let [_, h, w] = shape.output();
    // Outputs that read position `at` of an axis, in the padded gradient, each with its tap: the output at o reads
    // stride * o + tap - 1.
    let readers = move |at: usize| {
        (0..3_usize).filter_map(move |tap| {
            let ahead = at + 1 + stride - tap;
            ahead.is_multiple_of(stride).then_some((ahead / stride, tap))
        })
    };
    for (index, row) in input.chunks_exact_mut(width * from).enumerate() {
        let (z, y) = (index / height, index % height);
        for phase in 0..stride {
            let mut taps = [Tap::default(); TAPS];
            let mut count = 0;
            for (oz, dz) in readers(z) {
                for (oy, dy) in readers(y) {
                    for (ox, dx) in readers(phase) {
                        let first = ((oz * (h + 2) + oy) * (w + 2) + ox) * to;
                        taps[count] = Tap { first, weight: (dz * 3 + dy) * 3 + dx };
                        count += 1;
                    }
                }
            }
            let taps = &taps[..count];
            let voxels = (width - phase).div_ceil(stride);
            let out = &mut row[phase * from..];
            let row = Row { input: padded, step: to, taps, weight, channels: to };
            row.write::<FMA>(out, stride * from, from, voxels);
        }
    }
}

/// Adds the gradient of the weights, packed as by [`pack`]; the input is padded, the gradient of the output is not.
#[inline(always)]
fn backward_weight_body<const FMA: bool>(
    padded: &[f32],
    gradient: &[f32],
    weight: &mut [f32],
    shape: ConvShape,
) {
    let ConvShape { from, to, stride, input: [_, height, width] } = shape;
    let [_, h, w] = shape.output();
    // Plane by plane, so that what all taps read stays near.
    for (z, plane) in gradient.chunks_exact(h * w * to).enumerate() {
        for (index, sums) in weight.chunks_exact_mut(from * LANES).enumerate() {
            let (block, [dz, dy, dx]) = (index / TAPS, offsets(index % TAPS));
            let rows = plane.chunks_exact(w * to).enumerate().map(|(y, row)| {
                let at = (z * stride + dz) * (height + 2) + y * stride + dy;
                (&padded[(at * (width + 2) + dx) * from..], &row[block * LANES..])
            });
            let mut first = 0;
            while first < from {
                let count = match from - first {
                    8.. => 8,
                    4.. => 4,
                    _ => 1,
                };
                let sums = &mut sums[first * LANES..][..count * LANES];
                for (input, gradient) in rows.clone() {
                    let outer = Outer { input: &input[first..], step: stride * from, gradient, to };
                    match count {
                        8 => outer.add::<FMA, 8>(sums, w),
                        4 => outer.add::<FMA, 4>(sums, w),
                        _ => outer.add::<FMA, 1>(sums, w),
                    }
                }
                first += count;
            }
        }
    }
}

/// Steps along D, H, W of a tap, 0 to 2.
fn offsets(tap: usize) -> [usize; 3] {
    [tap / 9, tap / 3 % 3, tap % 3]
}

/// One summand of an output: its input voxel for the first output of a row, and which weight.
#[derive(Debug, Clone, Copy, Default)]
struct Tap {
    first: usize,
    weight: usize,
}

/// What a row of outputs is summed from.
struct Row<'a> {
    input: &'a [f32],
    /// From the input of one output to that of the next.
    step: usize,
    taps: &'a [Tap],
    weight: &'a [f32],
    /// Channels of the input.
    channels: usize,
}

impl Row<'_> {
    /// Writes `to` channels of `voxels` outputs, `step` apart.
    #[inline(always)]
    fn write<const FMA: bool>(&self, output: &mut [f32], step: usize, to: usize, voxels: usize) {
        let whole = voxels / VOXELS * VOXELS;
        for (block, weight) in self.weight.chunks_exact(TAPS * self.channels * LANES).enumerate() {
            let output = &mut output[block * LANES..];
            for voxel in (0..whole).step_by(VOXELS) {
                let sums = self.sum::<FMA, VOXELS>(voxel, weight);
                for (index, sums) in sums.iter().enumerate() {
                    output[(voxel + index) * step..][..LANES].copy_from_slice(sums);
                }
            }
            for voxel in whole..voxels {
                let [sums] = self.sum::<FMA, 1>(voxel, weight);
                output[voxel * step..][..LANES].copy_from_slice(&sums);
            }
        }
        debug_assert_eq!(self.weight.len(), TAPS * self.channels * to);
    }

    /// The sums of `V` voxels from `voxel` on, for one block of output channels.
    #[inline(always)]
    fn sum<const FMA: bool, const V: usize>(
        &self,
        voxel: usize,
        weight: &[f32],
    ) -> [[f32; LANES]; V] {
        let mut sums = [[0.0; LANES]; V];
        for tap in self.taps {
            let weight = &weight[tap.weight * self.channels * LANES..][..self.channels * LANES];
            let mut rows: [&[f32]; V] = [&[]; V];
            let mut quads: [&[[f32; 4]]; V] = [&[]; V];
            // Four channels at once have no check of bounds between them. Loops, as a closure would be compiled for a
            // processor without wide registers.
            let (fours, rest) = weight.as_chunks::<{ 4 * LANES }>();
            for index in 0..V {
                let first = tap.first + (voxel + index) * self.step;
                rows[index] = &self.input[first..][..self.channels];
                quads[index] = &rows[index].as_chunks::<4>().0[..fours.len()];
            }
            for (at, weight) in fours.iter().enumerate() {
                for channel in 0..4 {
                    let mut values = [0.0; V];
                    for index in 0..V {
                        values[index] = quads[index][at][channel];
                    }
                    let weight = weight[channel * LANES..].first_chunk().expect("lanes");
                    add::<FMA, V>(&mut sums, values, weight);
                }
            }
            for (at, weight) in rest.as_chunks::<LANES>().0.iter().enumerate() {
                let mut values = [0.0; V];
                for index in 0..V {
                    values[index] = rows[index][4 * fours.len() + at];
                }
                add::<FMA, V>(&mut sums, values, weight);
            }
        }
        sums
    }
}

/// What the gradient of the weights between some input channels and one block of output channels is summed from.
struct Outer<'a> {
    input: &'a [f32],
    step: usize,
    gradient: &'a [f32],
    to: usize,
}

impl Outer<'_> {
    /// Adds the products of `C` input channels with the gradient over `voxels` outputs.
    #[inline(always)]
    fn add<const FMA: bool, const C: usize>(&self, sums: &mut [f32], voxels: usize) {
        let mut total = [[0.0; LANES]; C];
        for (total, sum) in total.iter_mut().zip(sums.as_chunks::<LANES>().0) {
            *total = *sum;
        }
        for voxel in 0..voxels {
            let gradient = self.gradient[voxel * self.to..].first_chunk().expect("lanes");
            let values = *self.input[voxel * self.step..].first_chunk().expect("channels");
            add::<FMA, C>(&mut total, values, gradient);
        }
        sums.copy_from_slice(total.as_flattened());
    }
}

/// `sums[i] += values[i] * lanes`.
#[inline(always)]
fn add<const FMA: bool, const N: usize>(
    sums: &mut [[f32; LANES]; N],
    values: [f32; N],
    lanes: &[f32; LANES],
) {
    for index in 0..N {
        for lane in 0..LANES {
            let (value, weight, sum) = (values[index], lanes[lane], &mut sums[index][lane]);
            *sum = if FMA { value.mul_add(weight, *sum) } else { value * weight + *sum };
        }
    }
}

/// A function for the processor at hand, and for one that lacks wide registers.
macro_rules! dispatched {
    ($(#[$doc:meta])* $name:ident = $body:ident($($argument:ident: $type:ty),*)) => {
        $(#[$doc])*
        pub(super) fn $name($($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn wide($($argument: $type),*) {
                    $body::<true>($($argument),*);
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: the processor has both features.
                    return unsafe { wide($($argument),*) };
                }
            }
            $body::<{ cfg!(target_arch = "aarch64") }>($($argument),*);
        }
    };
}

dispatched! {
    /// The convolution of a padded volume.
    forward = forward_body(padded: &[f32], weight: &[f32], output: &mut [f32], shape: ConvShape)
}

dispatched! {
    /// The gradient of the input out of the padded gradient of the output.
    backward_input = backward_input_body(padded: &[f32], weight: &[f32], input: &mut [f32], shape: ConvShape)
}

dispatched! {
    /// Adds the gradient of the weights, packed as by [`pack`]; the input is padded, the gradient of the output is not.
    backward_weight = backward_weight_body(padded: &[f32], gradient: &[f32], weight: &mut [f32], shape: ConvShape)
}

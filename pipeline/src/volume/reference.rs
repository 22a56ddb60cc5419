//! The recipe done plainly, as the oracle of the fast path: every step makes a whole array of f64 and
//! evaluates its kernel by formula, nothing is composed, fused or skipped.

use schemas::manifest::{ClipStage, Crop, Grid, Kernel, Recipe};

use super::image::{Volume, Voxels};

/// An array `[z][y][x]`; none is padding.
struct Image {
    values: Vec<Option<f64>>,
    dims: [usize; 3],
}

impl Image {
    /// Maps one axis: `line` gives the new line of each old one.
    fn along(&self, axis: usize, line: impl Fn(&[Option<f64>]) -> Vec<Option<f64>>) -> Self {
        let stride = [1, self.dims[0], self.dims[0] * self.dims[1]];
        let (a, b) = ((axis + 1) % 3, (axis + 2) % 3);
        let mut result: Option<Self> = None;
        for i in 0..self.dims[a] {
            for j in 0..self.dims[b] {
                let from = i * stride[a] + j * stride[b];
                let old: Vec<_> =
                    (0..self.dims[axis]).map(|k| self.values[from + k * stride[axis]]).collect();
                let new = line(&old);
                let image = result.get_or_insert_with(|| {
                    let mut dims = self.dims;
                    dims[axis] = new.len();
                    Self { values: vec![None; dims.iter().product()], dims }
                });
                let stride = [1, image.dims[0], image.dims[0] * image.dims[1]];
                for (k, value) in new.into_iter().enumerate() {
                    image.values[i * stride[a] + j * stride[b] + k * stride[axis]] = value;
                }
            }
        }
        result.expect("the axes across have at least one line")
    }
}

/// The recipe's values in Hounsfield units, clipped to its window, x fastest, with dims x, y, z.
pub(super) fn reference(volume: &Volume, recipe: &Recipe) -> (Vec<f64>, [usize; 3]) {
    let [low, high] = recipe.first_window();
    let mut image = oriented(volume, recipe);
    let spacing = volume.affine.spacing();
    let order = volume.affine.order_for(recipe.orientation);
    for axis in 0..3 {
        if let Some(target) = recipe.spacing {
            let ratio = target[axis] / spacing[order.source[axis]];
            let n = image.dims[axis] as f64;
            let (count, scale, shift) = match recipe.grid {
                Grid::Truncate => stretched(n, (n / ratio * (1.0 + 3e-7)).floor().max(1.0)),
                Grid::Round => stretched(n, (n / ratio).round().max(1.0)),
                Grid::Extent => {
                    let count = (n / ratio).round().max(1.0);
                    (count, ratio, ((n - 1.0) - ratio * (count - 1.0)) / 2.0)
                }
                Grid::Corner => (((n - 1.0) / ratio + 1.0).round_ties_even(), ratio, 0.0),
            };
            image = resampled(&image, axis, (count, scale, shift), recipe);
        }
        let n = image.dims[axis];
        let keep = match recipe.crop {
            Crop::CenterFraction(fraction) => ((fraction[axis] * n as f64) as usize).max(1),
            Crop::CenterSize(size) if size[axis] > 0 => size[axis] as usize,
            _ => n,
        };
        let start = match recipe.crop {
            Crop::CenterFraction(_) => n as i64 / 2 - keep as i64 / 2,
            _ => (n as i64 - keep as i64) / 2,
        };
        image = image.along(axis, |line| {
            (0..keep as i64)
                .map(|index| {
                    let from = usize::try_from(start + index).ok();
                    from.and_then(|from| line.get(from).copied().flatten())
                })
                .collect()
        });
        if let Some(size) = recipe.resize {
            let grid = stretched(image.dims[axis] as f64, f64::from(size[axis]));
            image = resampled(&image, axis, grid, recipe);
        }
    }
    let values = image.values.iter().map(|value| value.unwrap_or(low).clamp(low, high)).collect();
    (values, image.dims)
}

fn oriented(volume: &Volume, recipe: &Recipe) -> Image {
    let [low, high] = recipe.first_window();
    let order = volume.affine.order_for(recipe.orientation);
    let dims = order.source.map(|source| volume.dims[source]);
    let mut values = Vec::new();
    for z in 0..dims[2] {
        for y in 0..dims[1] {
            for x in 0..dims[0] {
                let mut index = [0; 3];
                for (axis, place) in [x, y, z].into_iter().enumerate() {
                    index[order.source[axis]] =
                        if order.flipped[axis] { dims[axis] - 1 - place } else { place };
                }
                let at = (index[2] * volume.dims[1] + index[1]) * volume.dims[0] + index[0];
                let raw = match &volume.voxels {
                    Voxels::I16(values) => f64::from(values[at]),
                    Voxels::F32(values) => f64::from(values[at]),
                };
                let value =
                    raw * f64::from(volume.rescale.slope) + f64::from(volume.rescale.intercept);
                let clipped = recipe.clip == ClipStage::Source;
                values.push(Some(if clipped { value.clamp(low, high) } else { value }));
            }
        }
    }
    Image { values, dims }
}

fn stretched(n: f64, count: f64) -> (f64, f64, f64) {
    (count, n / count, 0.5 * n / count - 0.5)
}

fn resampled(
    image: &Image,
    axis: usize,
    (count, scale, shift): (f64, f64, f64),
    recipe: &Recipe,
) -> Image {
    let width = if recipe.antialias { scale.max(1.0) } else { 1.0 };
    image.along(axis, |line| {
        // A line in what another axis was padded with stays padding.
        let Some(line) = line.iter().copied().collect::<Option<Vec<f64>>>() else {
            return vec![None; count as usize];
        };
        let spline = coefficients(&line);
        (0..count as usize)
            .map(|index| {
                let position = scale * index as f64 + shift;
                Some(match recipe.kernel {
                    Kernel::Nearest => {
                        let nearest = (position + 0.5).floor().clamp(0.0, line.len() as f64 - 1.0);
                        line[nearest as usize]
                    }
                    Kernel::Linear if width > 1.0 => average(&line, position, width),
                    Kernel::Linear => {
                        let place = position.clamp(0.0, line.len() as f64 - 1.0);
                        let (low, part) = (place.floor() as usize, place.fract());
                        let next = line[(low + 1).min(line.len() - 1)];
                        line[low] * (1.0 - part) + next * part
                    }
                    Kernel::Cubic => evaluate(&spline, line.len(), position),
                })
            })
            .collect()
    })
}

/// Mean under a triangle of half-width `width` around `position`, over the samples there are.
fn average(line: &[f64], position: f64, width: f64) -> f64 {
    let position = position.clamp(-0.5, line.len() as f64 - 0.5);
    let weight = |index: usize| (1.0 - (index as f64 - position).abs() / width).max(0.0);
    let total: f64 = (0..line.len()).map(weight).sum();
    line.iter().enumerate().map(|(index, value)| weight(index) * value).sum::<f64>() / total
}

const MARGIN: usize = 40;

/// Cubic B-spline coefficients of a line held at its ends: the tridiagonal system
/// `(c[k-1] + 4 c[k] + c[k+1]) / 6 = f[k]` on a line made long enough for its own ends not to matter.
fn coefficients(line: &[f64]) -> Vec<f64> {
    let last = line.len() - 1;
    let long: Vec<f64> = (0..line.len() + 2 * MARGIN)
        .map(|index| line[index.saturating_sub(MARGIN).min(last)])
        .collect();
    let count = long.len();
    let mut upper = vec![0.0; count];
    let mut right = vec![0.0; count];
    for k in 0..count {
        let (below, before) = if k > 0 { (upper[k - 1], right[k - 1]) } else { (0.0, 0.0) };
        // Past the ends the line is flat, so the outermost coefficients equal their neighbours.
        let middle = if k == 0 || k == count - 1 { 5.0 / 6.0 } else { 4.0 / 6.0 };
        let lower = if k > 0 { 1.0 / 6.0 } else { 0.0 };
        let pivot = middle - lower * below;
        upper[k] = 1.0 / 6.0 / pivot;
        right[k] = (long[k] - lower * before) / pivot;
    }
    for k in (0..count - 1).rev() {
        right[k] -= upper[k] * right[k + 1];
    }
    right
}

fn evaluate(coefficients: &[f64], len: usize, position: f64) -> f64 {
    let place = position.clamp(0.0, len as f64 - 1.0) + MARGIN as f64;
    (place.floor() as usize - 1..=place.floor() as usize + 2)
        .map(|knot| {
            let x = (place - knot as f64).abs();
            let basis = if x < 1.0 {
                2.0 / 3.0 - x * x + x * x * x / 2.0
            } else {
                (2.0 - x).max(0.0).powi(3) / 6.0
            };
            coefficients[knot] * basis
        })
        .sum()
}

//! Geometry of windowed attention: partition, shift, masks and relative positions.
//!
//! Shifting rolls the grid, so a window at the border holds tokens from both ends; padding adds tokens that
//! are none. Both are told apart by region numbers, and attention never crosses from one region to another.

use burn::tensor::{Bool, DType, Int, Tensor, TensorData, backend::Backend};

use super::rows::{index, take_rows};

/// How one grid of tokens is cut into windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windows {
    /// Tokens along D, H, W.
    pub grid: [usize; 3],
    /// Window edges, never above the grid.
    pub window: [usize; 3],
    /// Roll before cutting; 0 along an axis that one window covers.
    pub shift: [usize; 3],
    /// Grid after padding at the far ends.
    pub padded: [usize; 3],
}

impl Windows {
    /// Fits `window` to `grid`, shifted by half a window when `shifted`.
    ///
    /// A window as large as an axis covers it whole and is not shifted along it.
    pub fn new(grid: [usize; 3], window: [usize; 3], shifted: bool) -> Self {
        let fitted: [usize; 3] = std::array::from_fn(|axis| window[axis].min(grid[axis]).max(1));
        let shift = std::array::from_fn(|axis| {
            if shifted && grid[axis] > window[axis] { window[axis] / 2 } else { 0 }
        });
        let padded = std::array::from_fn(|axis| grid[axis].div_ceil(fitted[axis]) * fitted[axis]);
        Self { grid, window: fitted, shift, padded }
    }

    /// Windows of one volume.
    pub fn count(&self) -> usize {
        (0..3).map(|axis| self.padded[axis] / self.window[axis]).product()
    }

    /// Tokens of one window.
    pub fn tokens(&self) -> usize {
        self.window.iter().product()
    }

    /// Whether any window holds tokens that must not see each other.
    pub fn needs_mask(&self) -> bool {
        self.shift != [0; 3] || self.padded != self.grid
    }

    /// Region number of every token after rolling, `[count, tokens]` row-major; 27 marks padding.
    pub fn regions(&self) -> Vec<u8> {
        let blocks: [usize; 3] = std::array::from_fn(|axis| self.padded[axis] / self.window[axis]);
        let mut regions = Vec::with_capacity(self.count() * self.tokens());
        for block in coordinates(blocks) {
            for inside in coordinates(self.window) {
                let mut region = 0u8;
                let mut padding = false;
                for axis in 0..3 {
                    let rolled = block[axis] * self.window[axis] + inside[axis];
                    let (size, shift) = (self.padded[axis], self.shift[axis]);
                    padding |= (rolled + shift) % size >= self.grid[axis];
                    // As in Swin: the last window is cut where the roll wrapped.
                    let part = if shift == 0 || rolled < size - self.window[axis] {
                        0
                    } else {
                        1 + u8::from(rolled >= size - shift)
                    };
                    region = region * 3 + part;
                }
                regions.push(if padding { 27 } else { region });
            }
        }
        regions
    }

    /// Grid token of every window token, windows and their tokens in C order; `None` is padding.
    pub fn places(&self) -> Vec<Option<usize>> {
        let blocks: [usize; 3] = std::array::from_fn(|axis| self.padded[axis] / self.window[axis]);
        let mut places = Vec::with_capacity(self.count() * self.tokens());
        for block in coordinates(blocks) {
            for inside in coordinates(self.window) {
                let place: [usize; 3] = std::array::from_fn(|axis| {
                    let rolled = block[axis] * self.window[axis] + inside[axis];
                    (rolled + self.shift[axis]) % self.padded[axis]
                });
                let real = (0..3).all(|axis| place[axis] < self.grid[axis]);
                let [_, height, width] = self.grid;
                places.push(real.then(|| (place[0] * height + place[1]) * width + place[2]));
            }
        }
        places
    }

    /// Added to attention scores: 0 within a region, -10000 across, `[count, tokens, tokens]`.
    pub fn mask<B: Backend>(&self, device: &B::Device) -> Option<Tensor<B, 3>> {
        if !self.needs_mask() {
            return None;
        }
        let (count, tokens) = (self.count(), self.tokens());
        let regions: Vec<i32> = self.regions().into_iter().map(i32::from).collect();
        let regions = Tensor::<B, 2, Int>::from_data(
            TensorData::new(regions, [count, tokens]),
            (device, DType::I32),
        );
        let rows: Tensor<B, 3, Int> = regions.clone().unsqueeze_dim(2);
        let columns: Tensor<B, 3, Int> = regions.unsqueeze_dim(1);
        let across: Tensor<B, 3, Bool> =
            rows.repeat_dim(2, tokens).not_equal(columns.repeat_dim(1, tokens));
        Some(Tensor::zeros([count, tokens, tokens], device).mask_fill(across, -1e4))
    }

    /// Row of the relative position table for every pair of tokens of a window, `[tokens * tokens]`.
    ///
    /// `table` is the window that the table was made for; a window that was fitted to a smaller grid uses the
    /// same rows for the same offsets.
    pub fn relative_positions(&self, table: [usize; 3]) -> Vec<i32> {
        let span = table.map(|edge| 2 * edge - 1);
        let tokens: Vec<[usize; 3]> = coordinates(self.window).collect();
        let mut rows = Vec::with_capacity(tokens.len() * tokens.len());
        for query in &tokens {
            for key in &tokens {
                let row = (0..3).fold(0, |row, axis| {
                    row * span[axis] + query[axis] + table[axis] - 1 - key[axis]
                });
                rows.push(row as i32);
            }
        }
        rows
    }
}

/// All coordinates of a grid in C order.
fn coordinates(size: [usize; 3]) -> impl Iterator<Item = [usize; 3]> {
    (0..size.iter().product()).map(move |index: usize| {
        [index / (size[1] * size[2]), index / size[2] % size[1], index % size[2]]
    })
}

/// The tensors of one window geometry, made once for all blocks that share it.
#[derive(Debug, Clone)]
pub struct WindowPlan<B: Backend> {
    /// Geometry.
    pub windows: Windows,
    /// Added to attention scores, `[count, tokens, tokens]`; none when all tokens of a window may meet.
    pub mask: Option<Tensor<B, 3>>,
    heads: usize,
    /// Grid row of every window row, over the batch; a row is one head of one token.
    to_windows: Tensor<B, 1, Int>,
    /// Window row of every grid row, over the batch.
    to_grid: Tensor<B, 1, Int>,
}

impl<B: Backend> WindowPlan<B> {
    /// Makes the tensors for a batch and a number of heads.
    pub fn new(windows: Windows, batch: usize, heads: usize, device: &B::Device) -> Self {
        let cells: usize = windows.grid.iter().product();
        let (places, count) = (windows.places(), windows.tokens());
        let mut to_windows = Vec::with_capacity(batch * heads * places.len());
        let mut to_grid = vec![0; batch * heads * cells];
        for sample in 0..batch {
            for window in places.chunks(count) {
                for head in 0..heads {
                    for place in window {
                        // Padding takes the row after the last, which is 0.
                        let row = place
                            .map_or(to_grid.len(), |cell| (sample * cells + cell) * heads + head);
                        if let Some(source) = to_grid.get_mut(row) {
                            *source = to_windows.len() as i32;
                        }
                        to_windows.push(row as i32);
                    }
                }
            }
        }
        Self {
            windows,
            mask: windows.mask(device),
            heads,
            to_windows: index(to_windows, device),
            to_grid: index(to_grid, device),
        }
    }

    /// Pads, rolls and cuts tokens in grid order into windows, and channels into heads: `[B * N, C]` to
    /// `[B * count, heads, tokens, C / heads]`.
    ///
    /// All of it is one gather of rows, which moves every value once.
    pub fn split(&self, tokens: Tensor<B, 2>) -> Tensor<B, 4> {
        let [rows, channels] = tokens.dims();
        let head_dim = channels / self.heads;
        let mut heads: Tensor<B, 2> = tokens.reshape([rows * self.heads, head_dim]);
        if self.windows.padded != self.windows.grid {
            let padding = Tensor::zeros([1, head_dim], &heads.device());
            heads = Tensor::cat(vec![heads, padding], 0);
        }
        let count = self.windows.tokens();
        let heads = take_rows(heads, &self.to_windows);
        let windows = heads.dims()[0] / (self.heads * count);
        heads.reshape([windows, self.heads, count, head_dim])
    }

    /// Inverse of [`Self::split`].
    pub fn join(&self, windows: Tensor<B, 4>) -> Tensor<B, 2> {
        let [rows, heads, count, head_dim] = windows.dims();
        let tokens = take_rows(windows.reshape([rows * heads * count, head_dim]), &self.to_grid);
        let rows = tokens.dims()[0] / heads;
        tokens.reshape([rows, heads * head_dim])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::backend::Flex;
    use burn::backend::flex::FlexDevice;

    /// Tokens of two volumes, numbered from 1.
    fn numbered(grid: [usize; 3]) -> Tensor<Flex, 2> {
        let count = grid.iter().product::<usize>();
        Tensor::<Flex, 1, Int>::arange(1..2 * count as i64 + 1, &FlexDevice)
            .float()
            .reshape([2 * count, 1])
    }

    fn plan(windows: Windows) -> WindowPlan<Flex> {
        WindowPlan::new(windows, 2, 1, &FlexDevice)
    }

    #[test]
    fn join_undoes_split_with_and_without_shift_and_padding() {
        for (grid, window) in
            [([4, 6, 8], [2, 3, 4]), ([5, 7, 3], [2, 4, 4]), ([3, 3, 3], [7, 7, 7])]
        {
            for shifted in [false, true] {
                let windows = Windows::new(grid, window, shifted);
                let tokens = plan(windows).split(numbered(grid));
                assert_eq!(tokens.dims(), [2 * windows.count(), 1, windows.tokens(), 1]);
                let back = plan(windows).join(tokens);
                back.into_data().assert_eq(&numbered(grid).into_data(), true);
            }
        }
    }

    /// Two tokens of a window may see each other exactly when they are real and lie no further apart in the
    /// volume than in the window, which is to say that no wrapped border runs between them.
    #[test]
    fn regions_never_cross_the_wrapped_border_nor_the_padding() {
        for (grid, window) in
            [([4, 6, 8], [2, 3, 4]), ([8, 8, 8], [4, 4, 4]), ([5, 7, 6], [2, 4, 4])]
        {
            let windows = Windows::new(grid, window, true);
            let numbers =
                plan(windows).split(numbered(grid)).into_data().to_vec::<f32>().expect("floats");
            let regions = windows.regions();
            let inside: Vec<[usize; 3]> = coordinates(windows.window).collect();
            let place = |number: f32| {
                let index = number as usize - 1;
                [index / (grid[1] * grid[2]), index / grid[2] % grid[1], index % grid[2]]
            };
            for block in 0..windows.count() {
                for first in 0..windows.tokens() {
                    for second in 0..windows.tokens() {
                        let (a, b) =
                            (block * windows.tokens() + first, block * windows.tokens() + second);
                        let (na, nb) = (numbers[a], numbers[b]);
                        let expected = if na == 0.0 || nb == 0.0 {
                            na.total_cmp(&nb).is_eq()
                        } else {
                            (0..3).all(|axis| {
                                place(na)[axis].abs_diff(place(nb)[axis])
                                    == inside[first][axis].abs_diff(inside[second][axis])
                            })
                        };
                        assert_eq!(regions[a] == regions[b], expected, "{grid:?} {a} {b}");
                    }
                }
            }
        }
    }

    /// The gather equals padding, rolling, cutting and splitting heads, step by step.
    #[test]
    fn split_equals_its_definition() {
        let device = FlexDevice;
        let windows = Windows::new([5, 6, 8], [2, 3, 4], true);
        let [d, h, w] = windows.padded;
        let tokens = Tensor::<Flex, 1, Int>::arange(1..2 * 240 * 6 + 1, &device).float();
        let volume: Tensor<Flex, 5> = tokens.clone().reshape([2, 5, 6, 8, 6]);
        let padding = Tensor::zeros([2, d - 5, 6, 8, 6], &device);
        let volume = Tensor::cat(vec![volume, padding], 1);
        // `roll` moves entries to the front for positive shifts.
        let shift = windows.shift.map(|shift| shift as i64);
        let expected = volume
            .roll(&shift, &[1, 2, 3])
            .reshape([2, d / 2, 2, h / 3, 3, w / 4, 4, 6])
            .permute([0, 1, 3, 5, 2, 4, 6, 7])
            .reshape([2 * windows.count(), windows.tokens(), 3, 2])
            .swap_dims(1, 2);
        let plan = WindowPlan::<Flex>::new(windows, 2, 3, &device);
        let found = plan.split(tokens.clone().reshape([480, 6]));
        found.clone().into_data().assert_eq(&expected.into_data(), true);
        plan.join(found).into_data().assert_eq(&tokens.reshape([480, 6]).into_data(), true);
    }

    #[test]
    fn relative_positions_depend_on_the_offset_only() {
        let windows = Windows::new([4, 4, 4], [2, 3, 4], false);
        let rows = windows.relative_positions([2, 3, 4]);
        let places: Vec<[usize; 3]> = coordinates([2, 3, 4]).collect();
        let mut seen = std::collections::BTreeMap::new();
        for (query, a) in places.iter().enumerate() {
            for (key, b) in places.iter().enumerate() {
                let offset: [i64; 3] = std::array::from_fn(|axis| a[axis] as i64 - b[axis] as i64);
                let row = rows[query * places.len() + key];
                assert_eq!(*seen.entry(offset).or_insert(row), row);
            }
        }
        let distinct: std::collections::BTreeSet<i32> = seen.values().copied().collect();
        assert_eq!(distinct.len(), 3 * 5 * 7, "every offset has its own row");
        assert_eq!(distinct.last(), Some(&(3 * 5 * 7 - 1)));
    }
}

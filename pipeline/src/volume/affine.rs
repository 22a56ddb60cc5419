//! Voxel index to world coordinates.

use schemas::manifest::Orientation;

/// A 4 × 4 matrix from voxel index (x, y, z of the array) to world coordinates in mm, with the world
/// axes of NIfTI: right, anterior, superior.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine(pub [[f64; 4]; 4]);

/// For each output axis, the source axis it comes from and whether it runs backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AxisOrder {
    pub(crate) source: [usize; 3],
    pub(crate) flipped: [bool; 3],
}

impl Affine {
    /// From the columns of a rotation with spacing and an origin.
    pub fn from_columns(columns: [[f64; 3]; 3], origin: [f64; 3]) -> Self {
        let mut matrix = [[0.0; 4]; 4];
        for (row, line) in matrix.iter_mut().take(3).enumerate() {
            for column in 0..3 {
                line[column] = columns[column][row];
            }
            line[3] = origin[row];
        }
        matrix[3][3] = 1.0;
        Self(matrix)
    }

    /// The column of array axis `axis`: the step in mm, as a world vector, of one voxel.
    pub fn column(&self, axis: usize) -> [f64; 3] {
        [self.0[0][axis], self.0[1][axis], self.0[2][axis]]
    }

    /// World position of voxel (0, 0, 0).
    pub fn origin(&self) -> [f64; 3] {
        self.column(3)
    }

    /// Voxel size in mm.
    pub fn spacing(&self) -> [f64; 3] {
        std::array::from_fn(|axis| norm(self.column(axis)))
    }

    /// World position of a (fractional) voxel index.
    pub fn apply(&self, index: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|row| {
            let line = self.0[row];
            line[0] * index[0] + line[1] * index[1] + line[2] * index[2] + line[3]
        })
    }

    /// Determinant of the upper left 3 × 3 part.
    pub fn determinant(&self) -> f64 {
        dot(self.column(0), cross(self.column(1), self.column(2)))
    }

    /// Whether the matrix is finite and its axes span space.
    pub fn is_valid(&self) -> bool {
        let volume: f64 = self.spacing().iter().product();
        self.0.iter().flatten().all(|value| value.is_finite())
            && volume > 0.0
            && self.determinant().abs() > 1e-3 * volume
    }

    /// Row-major copy, as stored in tables.
    pub fn to_row_major(self) -> [f64; 16] {
        std::array::from_fn(|index| self.0[index / 4][index % 4])
    }

    /// The world axis nearest to each array axis and its sign: each world axis is used once; array
    /// axes with the clearest direction choose first.
    pub fn nearest_axes(&self) -> [(usize, bool); 3] {
        let directions: [[f64; 3]; 3] = std::array::from_fn(|axis| unit(self.column(axis)));
        let mut result = [(0, true); 3];
        let (mut array_used, mut world_used) = ([false; 3], [false; 3]);
        for _ in 0..3 {
            let mut best = (0, 0, -1.0);
            for (axis, direction) in
                directions.iter().enumerate().filter(|(axis, _)| !array_used[*axis])
            {
                for world in (0..3).filter(|world| !world_used[*world]) {
                    if direction[world].abs() > best.2 {
                        best = (axis, world, direction[world].abs());
                    }
                }
            }
            let (axis, world, _) = best;
            array_used[axis] = true;
            world_used[world] = true;
            result[axis] = (world, directions[axis][world] >= 0.0);
        }
        result
    }

    /// Axis codes such as `RAS`: where each array axis points.
    pub fn axis_codes(&self) -> String {
        const CODES: [[char; 2]; 3] = [['L', 'R'], ['P', 'A'], ['I', 'S']];
        let axes = self.nearest_axes();
        axes.iter().map(|&(world, positive)| CODES[world][usize::from(positive)]).collect()
    }

    /// Largest angle between an array axis and its nearest world axis, in degrees.
    pub fn obliquity(&self) -> f64 {
        let axes = self.nearest_axes();
        (0..3)
            .map(|axis| {
                let cosine = unit(self.column(axis))[axes[axis].0].abs().min(1.0);
                cosine.acos().to_degrees()
            })
            .fold(0.0, f64::max)
    }

    /// Which source axis, in which direction, makes each axis of the wanted orientation.
    pub(crate) fn order_for(&self, orientation: Orientation) -> AxisOrder {
        let positive = match orientation {
            Orientation::Keep => {
                return AxisOrder { source: [0, 1, 2], flipped: [false; 3] };
            }
            Orientation::Ras => [true, true, true],
            Orientation::Lps => [false, false, true],
        };
        let axes = self.nearest_axes();
        let mut order = AxisOrder { source: [0; 3], flipped: [false; 3] };
        for (axis, &(world, points_positive)) in axes.iter().enumerate() {
            order.source[world] = axis;
            order.flipped[world] = points_positive != positive[world];
        }
        order
    }

    /// The affine after axes are permuted and flipped; `dims` are the source's.
    pub(crate) fn reordered(&self, order: AxisOrder, dims: [usize; 3]) -> Self {
        let mut origin_index = [0.0; 3];
        let columns = std::array::from_fn(|axis| {
            let source = order.source[axis];
            let column = self.column(source);
            if order.flipped[axis] {
                origin_index[source] = dims[source] as f64 - 1.0;
                // Not `-value`: a negative zero would be written where a zero is meant.
                column.map(|value| 0.0 - value)
            } else {
                column
            }
        });
        Self::from_columns(columns, self.apply(origin_index))
    }

    /// The affine of a grid whose index `i` lies at source index `scale * i + shift`, axis by axis.
    pub(crate) fn regridded(&self, scale: [f64; 3], shift: [f64; 3]) -> Self {
        let columns =
            std::array::from_fn(|axis| self.column(axis).map(|value| value * scale[axis]));
        Self::from_columns(columns, self.apply(shift))
    }
}

pub(crate) fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(crate) fn cross(a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

pub(crate) fn norm(a: [f64; 3]) -> f64 {
    dot(a, a).sqrt()
}

pub(crate) fn unit(a: [f64; 3]) -> [f64; 3] {
    let length = norm(a);
    if length > 0.0 { a.map(|value| value / length) } else { a }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lps(spacing: [f64; 3], origin: [f64; 3]) -> Affine {
        Affine::from_columns(
            [[-spacing[0], 0.0, 0.0], [0.0, -spacing[1], 0.0], [0.0, 0.0, spacing[2]]],
            origin,
        )
    }

    #[test]
    fn codes_and_spacing_are_read_from_the_columns() {
        let affine = lps([0.7, 0.8, 1.5], [10.0, 20.0, -30.0]);
        assert_eq!(affine.axis_codes(), "LPS");
        for (found, expected) in affine.spacing().into_iter().zip([0.7, 0.8, 1.5]) {
            assert!((found - expected).abs() < 1e-12);
        }
        assert!(affine.obliquity() < 1e-9);
    }

    #[test]
    fn reordering_keeps_every_voxel_where_it_is_in_the_world() {
        // Array axes point to superior, left and anterior.
        let affine = Affine::from_columns(
            [[0.0, 0.0, 2.0], [-0.5, 0.0, 0.0], [0.0, 0.7, 0.0]],
            [1.0, 2.0, 3.0],
        );
        let dims = [4, 5, 6];
        let order = affine.order_for(Orientation::Ras);
        let ras = affine.reordered(order, dims);
        assert_eq!(ras.axis_codes(), "RAS");
        for source in [[0, 0, 0], [3, 4, 5], [1, 2, 3]] {
            let index: [f64; 3] = std::array::from_fn(|axis| {
                let value = source[order.source[axis]];
                let size = dims[order.source[axis]];
                (if order.flipped[axis] { size - 1 - value } else { value }) as f64
            });
            let expected = affine.apply(source.map(|value| value as f64));
            let found = ras.apply(index);
            for axis in 0..3 {
                assert!((found[axis] - expected[axis]).abs() < 1e-12, "{found:?} {expected:?}");
            }
        }
    }

    #[test]
    fn an_oblique_axis_is_measured_in_degrees() {
        let (sine, cosine) = 30.0_f64.to_radians().sin_cos();
        let affine = Affine::from_columns(
            [[1.0, 0.0, 0.0], [0.0, cosine, sine], [0.0, -sine, cosine]],
            [0.0; 3],
        );
        assert!((affine.obliquity() - 30.0).abs() < 1e-9);
    }
}

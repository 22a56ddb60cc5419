//! Voxels of a phantom, and how shapes are painted into them.

use crate::volume::Affine;

/// What a voxel belongs to before findings are painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tissue {
    Air,
    Wall,
    Bone,
    Lung,
    Mediastinum,
    Heart,
    Vessel,
    Airway,
    Abdomen,
}

/// A position in mm: to the patient's left, to the back, upwards; 0 is the middle of the grid.
pub(super) type Point = [f32; 3];

/// Hounsfield units, tissue and painted finding of every voxel, x fastest.
#[derive(Debug)]
pub(super) struct Grid {
    pub(super) size: [usize; 3],
    pub(super) spacing: [f32; 3],
    /// Position of the grid's middle.
    middle: Point,
    pub(super) hounsfield: Vec<f32>,
    pub(super) tissue: Vec<Tissue>,
    /// Code of the finding that a voxel shows, 0 for none.
    pub(super) mask: Vec<u8>,
}

impl Grid {
    /// A grid of air.
    pub(super) fn new(size: [usize; 3], spacing: [f32; 3], middle: Point) -> Self {
        let count = size.iter().product();
        Self {
            size,
            spacing,
            middle,
            hounsfield: vec![-1000.0; count],
            tissue: vec![Tissue::Air; count],
            mask: vec![0; count],
        }
    }

    /// Voxel indices to world coordinates of NIfTI, whose first two axes run to the right and to the front.
    pub(super) fn affine(&self) -> Affine {
        let [x, y, z] = self.spacing.map(f64::from);
        let middle = self.size.map(|count| (count as f64 - 1.0) / 2.0);
        Affine::from_columns(
            [[-x, 0.0, 0.0], [0.0, -y, 0.0], [0.0, 0.0, z]],
            [x * middle[0], y * middle[1], -z * middle[2]],
        )
    }

    /// Position of index `index` along `axis`.
    pub(super) fn coordinate(&self, axis: usize, index: usize) -> f32 {
        (index as f32 - (self.size[axis] as f32 - 1.0) / 2.0) * self.spacing[axis]
            + self.middle[axis]
    }

    /// Index along `axis` of a coordinate, with its fraction.
    fn index(&self, axis: usize, coordinate: f32) -> f32 {
        (coordinate - self.middle[axis]) / self.spacing[axis] + (self.size[axis] as f32 - 1.0) / 2.0
    }

    /// The voxel nearest to `point`, if it lies in the grid.
    pub(super) fn voxel(&self, point: Point) -> Option<usize> {
        let mut at = [0; 3];
        for axis in 0..3 {
            let index = self.index(axis, point[axis]).round();
            if index < 0.0 || index >= self.size[axis] as f32 {
                return None;
            }
            at[axis] = index as usize;
        }
        Some((at[2] * self.size[1] + at[1]) * self.size[0] + at[0])
    }

    /// The tissue at `point`; air outside.
    pub(super) fn tissue_at(&self, point: Point) -> Tissue {
        self.voxel(point).map_or(Tissue::Air, |voxel| self.tissue[voxel])
    }

    /// Share of a voxel that lies inside of a surface at the signed distance `distance`, negative inside.
    pub(super) fn coverage(&self, distance: f32) -> f32 {
        let width = (self.spacing[0] + self.spacing[1] + self.spacing[2]) / 3.0;
        (0.5 - distance / width).clamp(0.0, 1.0)
    }

    /// Calls `change` with this grid and every voxel whose centre lies in the box around `centre`.
    pub(super) fn in_box(
        &mut self,
        centre: Point,
        half: [f32; 3],
        mut change: impl FnMut(&mut Self, usize, Point),
    ) {
        let range: [std::ops::Range<usize>; 3] = std::array::from_fn(|axis| {
            let low = self.index(axis, centre[axis] - half[axis]).floor().max(0.0) as usize;
            let high = (self.index(axis, centre[axis] + half[axis]).ceil() + 1.0).max(0.0) as usize;
            low..high.min(self.size[axis])
        });
        for z in range[2].clone() {
            for y in range[1].clone() {
                for x in range[0].clone() {
                    let voxel = (z * self.size[1] + y) * self.size[0] + x;
                    let point =
                        [self.coordinate(0, x), self.coordinate(1, y), self.coordinate(2, z)];
                    change(self, voxel, point);
                }
            }
        }
    }

    /// Mixes `share` of `hounsfield` into a voxel; from a half on it counts as finding `code`.
    pub(super) fn mix(&mut self, voxel: usize, share: f32, hounsfield: f32, code: u8) {
        let old = self.hounsfield[voxel];
        self.hounsfield[voxel] = old + share * (hounsfield - old);
        if share >= 0.5 && code > 0 {
            self.mask[voxel] = code;
        }
    }

    /// Paints an ellipsoid where `allowed` holds.
    pub(super) fn ellipsoid(
        &mut self,
        shape: &Ellipsoid,
        hounsfield: f32,
        code: u8,
        allowed: impl Fn(Tissue) -> bool,
    ) {
        let reach = shape.axes.map(|axis| axis + 4.0);
        self.in_box(shape.centre, reach, |grid, voxel, point| {
            if allowed(grid.tissue[voxel]) {
                let share = grid.coverage(shape.distance(point));
                if share > 0.0 {
                    grid.mix(voxel, share, hounsfield, code);
                }
            }
        });
    }

    /// Paints a capsule where `allowed` holds, and marks what it covers as `tissue`.
    pub(super) fn capsule(
        &mut self,
        shape: &Capsule,
        hounsfield: f32,
        tissue: Option<Tissue>,
        allowed: impl Fn(Tissue) -> bool,
    ) {
        let centre: Point =
            std::array::from_fn(|axis| f32::midpoint(shape.from[axis], shape.to[axis]));
        let half = std::array::from_fn(|axis| {
            (shape.from[axis] - shape.to[axis]).abs() / 2.0 + shape.radius + 4.0
        });
        self.in_box(centre, half, |grid, voxel, point| {
            if allowed(grid.tissue[voxel]) {
                let share = grid.coverage(shape.distance(point));
                if share > 0.0 {
                    grid.mix(voxel, share, hounsfield, 0);
                    if let (true, Some(tissue)) = (share >= 0.5, tissue) {
                        grid.tissue[voxel] = tissue;
                    }
                }
            }
        });
    }
}

/// An ellipsoid along the axes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ellipsoid {
    pub(super) centre: Point,
    pub(super) axes: [f32; 3],
}

impl Ellipsoid {
    /// A ball.
    pub(super) fn ball(centre: Point, radius: f32) -> Self {
        Self { centre, axes: [radius; 3] }
    }

    /// The ellipsoid with all half axes longer by `by` mm.
    pub(super) fn grown(&self, by: f32) -> Self {
        Self { centre: self.centre, axes: self.axes.map(|axis| axis + by) }
    }

    /// About the signed distance to the surface in mm.
    pub(super) fn distance(&self, point: Point) -> f32 {
        let offset = over(sub(point, self.centre), self.axes);
        let least = self.axes.iter().copied().fold(f32::INFINITY, f32::min);
        (dot(offset, offset).sqrt() - 1.0) * least
    }

    /// The point of the surface in the direction `direction`.
    pub(super) fn surface(&self, direction: [f32; 3]) -> Point {
        let part = over(direction, self.axes);
        let length = dot(part, part).sqrt().max(1e-6);
        std::array::from_fn(|axis| self.centre[axis] + direction[axis] / length)
    }
}

/// A tube with round ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Capsule {
    pub(super) from: Point,
    pub(super) to: Point,
    pub(super) radius: f32,
}

impl Capsule {
    /// Signed distance to the surface in mm.
    pub(super) fn distance(&self, point: Point) -> f32 {
        let along = sub(self.to, self.from);
        let offset = sub(point, self.from);
        let length = dot(along, along).max(1e-6);
        let share = (dot(offset, along) / length).clamp(0.0, 1.0);
        let gap = sub(offset, along.map(|part| part * share));
        dot(gap, gap).sqrt() - self.radius
    }
}

/// The tubes along a line of points.
pub(super) fn tube(points: &[Point], radius: f32) -> Vec<Capsule> {
    points.windows(2).map(|pair| Capsule { from: pair[0], to: pair[1], radius }).collect()
}

pub(super) fn sub(a: Point, b: Point) -> Point {
    std::array::from_fn(|axis| a[axis] - b[axis])
}

pub(super) fn dot(a: Point, b: Point) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Quotients of the parts.
fn over(a: Point, b: [f32; 3]) -> Point {
    std::array::from_fn(|axis| a[axis] / b[axis])
}

/// The vector of length 1.
pub(super) fn unit(vector: Point) -> Point {
    let length = dot(vector, vector).sqrt().max(1e-6);
    vector.map(|part| part / length)
}

/// Smooth noise from −1 to 1 with features of about `scale` mm, a function of the seed and the position.
pub(super) fn smooth_noise(seed: u32, scale: f32, point: Point) -> f32 {
    let cell: [f32; 3] = point.map(|value| (value / scale).floor());
    let part: [f32; 3] = std::array::from_fn(|axis| {
        let t = point[axis] / scale - cell[axis];
        t * t * (3.0 - 2.0 * t)
    });
    let corner = |x: i32, y: i32, z: i32| -> f32 {
        let mut hash = seed
            ^ (cell[0] as i32 + x).wrapping_mul(0x2C1B_3C6D) as u32
            ^ ((cell[1] as i32 + y).wrapping_mul(0x297A_2D39) as u32).rotate_left(11)
            ^ ((cell[2] as i32 + z).wrapping_mul(0x1B56_C4E9) as u32).rotate_left(22);
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x7FEB_352D);
        hash = (hash ^ (hash >> 15)).wrapping_mul(0x846C_A68B);
        (hash >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let along_x = |y: i32, z: i32| corner(0, y, z) + part[0] * (corner(1, y, z) - corner(0, y, z));
    let along_y = |z: i32| along_x(0, z) + part[1] * (along_x(1, z) - along_x(0, z));
    along_y(0) + part[2] * (along_y(1) - along_y(0))
}

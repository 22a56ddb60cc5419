//! The chest of one patient: its measures, drawn once, and how it is painted.
//!
//! Measures and densities span what adults have in CT of the chest: lung −890 to −740 HU in inspiration with a
//! gradient to the back, fat −115 to −85, muscle 40 to 60, blood 40 without and up to 250 with contrast medium,
//! trabecular bone 110 to 230 (Hounsfield units as in Bushberg, The Essential Physics of Medical Imaging, 3rd ed.,
//! table 10-1; chest wall and lung measures as in adult anthropometry).

use super::grid::{Capsule, Ellipsoid, Grid, Point, Tissue, dot, smooth_noise, sub, tube, unit};
use crate::draws::Draws;

/// A side of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Right,
    Left,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::Right, Self::Left];

    /// −1 to the right, 1 to the left.
    pub(super) fn sign(self) -> f32 {
        match self {
            Self::Right => -1.0,
            Self::Left => 1.0,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Left => "left",
        }
    }

    fn of(x: f32) -> Self {
        if x < 0.0 { Self::Right } else { Self::Left }
    }
}

/// A lobe of a lung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lobe {
    Upper,
    Middle,
    Lower,
}

impl Lobe {
    /// The lobes of the lung of `side`.
    pub(super) fn all(side: Side) -> &'static [Self] {
        match side {
            Side::Right => &[Self::Upper, Self::Middle, Self::Lower],
            Side::Left => &[Self::Upper, Self::Lower],
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Upper => "upper lobe",
            Self::Middle => "middle lobe",
            Self::Lower => "lower lobe",
        }
    }

    /// Concept of the parser's lexicon.
    pub(super) fn concept(self) -> &'static str {
        match self {
            Self::Upper => "upper_lobe",
            Self::Middle => "middle_lobe",
            Self::Lower => "lower_lobe",
        }
    }
}

/// Measures of a patient, in mm and Hounsfield units.
#[derive(Debug, Clone)]
pub(super) struct Anatomy {
    /// Half width and half depth of the body, with its fat.
    body: [f32; 2],
    fat: f32,
    /// Half width and half depth of the chest cavity.
    pub(super) cavity: [f32; 2],
    /// Height of the apices.
    pub(super) top: f32,
    /// Height of the diaphragm's edge, and of its dome above that.
    base: f32,
    dome: [f32; 2],
    mediastinum: f32,
    pub(super) heart: Ellipsoid,
    /// Height at which the windpipe divides.
    pub(super) carina: f32,
    lung: f32,
    gradient: f32,
    fat_density: f32,
    muscle: f32,
    blood: f32,
    bone: f32,
    rib: [f32; 3],
    vertebra: f32,
    pub(super) aorta: Vec<Capsule>,
    others: Vec<Capsule>,
    vessels: Vec<Capsule>,
    airways: Vec<Capsule>,
    nodes: Vec<Ellipsoid>,
    table: f32,
    noise: u32,
}

/// Least and greatest ratio of the heart's width to that of the chest, of a heart that is not enlarged and of one that is.
const NORMAL_HEART: [f32; 2] = [0.36, 0.45];
pub(super) const LARGE_HEART: [f32; 2] = [0.56, 0.66];

impl Anatomy {
    /// Draws a patient.
    pub(super) fn draw(draws: &mut Draws) -> Self {
        let cavity = [draws.between(112.0, 142.0), draws.between(78.0, 98.0)];
        let fat = draws.between(6.0, 26.0);
        let top = draws.between(100.0, 125.0);
        let base = draws.between(-110.0, -75.0);
        let dome = [draws.between(35.0, 60.0), draws.between(28.0, 50.0)];
        let carina = draws.between(18.0, 40.0);
        let ratio = draws.between(NORMAL_HEART[0], NORMAL_HEART[1]);
        let height = base + 40.0 + draws.between(10.0, 22.0);
        let blood =
            if draws.chance(0.4) { draws.between(110.0, 250.0) } else { draws.between(36.0, 50.0) };
        let mut anatomy = Self {
            body: [cavity[0] + 18.0 + fat, cavity[1] + 16.0 + fat],
            fat,
            cavity,
            top,
            base,
            dome,
            mediastinum: draws.between(17.0, 27.0),
            heart: Ellipsoid { centre: [0.0, 0.0, height], axes: [1.0; 3] },
            carina,
            lung: draws.between(-890.0, -740.0),
            gradient: draws.between(10.0, 60.0),
            fat_density: draws.between(-115.0, -85.0),
            muscle: draws.between(40.0, 60.0),
            blood,
            bone: draws.between(110.0, 230.0),
            rib: [draws.between(0.0, 1.0), draws.between(24.0, 31.0), draws.between(0.35, 0.6)],
            vertebra: draws.between(24.0, 30.0),
            aorta: Vec::new(),
            others: Vec::new(),
            vessels: Vec::new(),
            airways: Vec::new(),
            nodes: Vec::new(),
            table: draws.between(4.0, 30.0),
            noise: draws.bits() as u32,
        };
        anatomy.set_heart(ratio, draws);
        anatomy.draw_vessels(draws);
        anatomy
    }

    /// Gives the heart `ratio` times the width of the chest.
    pub(super) fn set_heart(&mut self, ratio: f32, draws: &mut Draws) {
        let width = ratio * self.cavity[0];
        let axes = [width, width * draws.between(0.72, 0.84), width * draws.between(0.78, 0.95)];
        let centre =
            [width * draws.between(0.16, 0.36), -0.3 * self.cavity[1], self.heart.centre[2]];
        self.heart = Ellipsoid { centre, axes };
    }

    /// Width of the body.
    pub(super) fn width(&self) -> f32 {
        2.0 * self.body[0]
    }

    /// Depth of the middle of the spine.
    pub(super) fn spine(&self) -> f32 {
        0.78 * self.cavity[1]
    }

    fn draw_vessels(&mut self, draws: &mut Draws) {
        let spine = self.spine();
        let carina = self.carina;
        let heart = self.heart.centre;
        let root = [10.0, -14.0, heart[2] + 12.0];
        let arch = carina + draws.between(28.0, 40.0);
        let back = [draws.between(20.0, 28.0), spine - 18.0];
        self.aorta = tube(
            &[
                root,
                [-4.0, -16.0, carina],
                [0.0, -8.0, arch - 4.0],
                [12.0, 10.0, arch],
                [back[0], back[1] - 16.0, arch - 8.0],
            ],
            draws.between(13.0, 17.0),
        );
        self.aorta.extend(tube(
            &[
                [back[0], back[1] - 16.0, arch - 8.0],
                [back[0], back[1], carina],
                [back[0] - 8.0, back[1], self.base - 60.0],
            ],
            draws.between(10.0, 13.5),
        ));
        self.others = tube(&[[-24.0, -4.0, self.top + 20.0], [-24.0, -6.0, heart[2] + 20.0]], 8.5);
        self.others
            .extend(tube(&[[14.0, -24.0, heart[2] + 25.0], [10.0, -10.0, carina - 8.0]], 12.0));
        for side in Side::BOTH {
            let hilum = self.hilum(side);
            self.others.extend(tube(&[[10.0, -10.0, carina - 8.0], hilum], 8.5));
        }
        self.airways =
            tube(&[[0.0, 14.0, self.top + 40.0], [0.0, 12.0, carina]], draws.between(7.5, 9.5));
        for side in Side::BOTH {
            let hilum = self.hilum(side);
            let entry = [hilum[0], hilum[1] + 10.0, hilum[2] + 4.0];
            self.airways.extend(tube(&[[0.0, 12.0, carina], entry], 5.5));
            for direction in [[0.5, -0.3, 0.8], [0.5, -0.7, -0.3], [0.35, 0.5, -0.8]] {
                let toward = unit([direction[0] * side.sign(), direction[1], direction[2]]);
                self.branch(draws, hilum, toward, 4.4, 34.0, 0);
                let end = std::array::from_fn(|axis| entry[axis] + 30.0 * toward[axis]);
                self.airways.push(Capsule { from: entry, to: end, radius: 3.0 });
            }
        }
        let spots = [
            [-14.0, 4.0, carina + 30.0],
            [14.0, -6.0, carina + 8.0],
            [4.0, 20.0, carina - 16.0],
            [-12.0, -26.0, carina + 16.0],
            [-26.0, 6.0, carina - 6.0],
        ];
        for spot in spots {
            let radius = draws.between(2.0, 4.2);
            let centre = spot.map(|value| value + draws.between(-4.0, 4.0));
            self.nodes.push(Ellipsoid::ball(centre, radius));
        }
    }

    /// A tree of vessels in the lung.
    fn branch(
        &mut self,
        draws: &mut Draws,
        from: Point,
        direction: Point,
        radius: f32,
        length: f32,
        generation: usize,
    ) {
        let long = length * draws.between(0.75, 1.25);
        let to = std::array::from_fn(|axis| from[axis] + long * direction[axis]);
        self.vessels.push(Capsule { from, to, radius });
        if generation == 4 {
            return;
        }
        let children = 2 + usize::from(draws.chance(0.45));
        for _ in 0..children {
            let turn: Point = std::array::from_fn(|_| draws.between(-0.85, 0.85));
            let next = unit(std::array::from_fn(|axis| direction[axis] + turn[axis]));
            let thin = radius * draws.between(0.58, 0.78);
            self.branch(draws, to, next, thin, length * 0.78, generation + 1);
        }
    }

    /// Where vessels and airways enter the lung of `side`.
    pub(super) fn hilum(&self, side: Side) -> Point {
        [side.sign() * (self.mediastinum + 14.0), 2.0, self.carina - 18.0]
    }

    /// Distance from the middle of the cavity to its wall, as a power; 1 at the wall.
    fn cavity_at(&self, [x, y, z]: Point) -> f32 {
        let middle = 0.2 * self.top;
        let taper = if z > middle {
            let part = (z - middle) / (self.top - middle);
            (1.0 - part * part * part).max(0.0).sqrt()
        } else {
            1.0
        };
        outline([x, y], self.cavity) / rounded(taper.max(1e-3))
    }

    /// Height of the diaphragm above `x`, `y`.
    pub(super) fn diaphragm(&self, x: f32, y: f32) -> f32 {
        let middle = 0.52 * self.cavity[0];
        let (u, v) = ((x.abs() - middle) / (0.6 * self.cavity[0]), y / self.cavity[1]);
        let side = Side::of(x);
        let dome = self.dome[usize::from(side == Side::Left)];
        self.base + dome * (1.0 - u * u - v * v).max(-0.3)
    }

    /// The lobe of a point of the lungs.
    pub(super) fn lobe(&self, [x, y, z]: Point) -> Lobe {
        let middle = f32::midpoint(self.top, self.base) - 8.0;
        if z - 0.85 * y < middle {
            Lobe::Lower
        } else if Side::of(x) == Side::Right && z < middle + 12.0 {
            Lobe::Middle
        } else {
            Lobe::Upper
        }
    }

    /// Depth of the cavity's wall beside the middle, in front and behind.
    pub(super) fn wall_depth(&self, x: f32) -> f32 {
        self.cavity[1] * (1.0 - rounded(x.abs() / self.cavity[0])).max(0.0).powf(0.4)
    }

    /// Paints the patient into a grid of air. `effusion` is the thickness of fluid around the heart.
    pub(super) fn paint(&self, grid: &mut Grid, effusion: f32) {
        grid.in_box([0.0; 3], [f32::INFINITY; 3], |grid, voxel, point| {
            (grid.tissue[voxel], grid.hounsfield[voxel]) = self.voxel(point, effusion);
        });
        let soft = |tissue| matches!(tissue, Tissue::Mediastinum | Tissue::Lung);
        for node in &self.nodes {
            grid.ellipsoid(node, 45.0, 0, |tissue| tissue == Tissue::Mediastinum);
        }
        let gullet = tube(
            &[[4.0, self.spine() - 30.0, self.top + 30.0], [8.0, self.spine() - 32.0, self.base]],
            6.5,
        );
        for part in &gullet {
            grid.capsule(part, 35.0, None, soft);
        }
        for part in self.others.iter().chain(&self.aorta) {
            grid.capsule(part, self.blood, Some(Tissue::Vessel), |tissue| {
                matches!(tissue, Tissue::Mediastinum | Tissue::Lung | Tissue::Abdomen)
            });
        }
        for part in &self.vessels {
            let blood = self.blood.min(70.0);
            grid.capsule(part, blood, Some(Tissue::Vessel), |tissue| tissue == Tissue::Lung);
        }
        for part in &self.airways {
            let inside =
                |tissue| matches!(tissue, Tissue::Mediastinum | Tissue::Lung | Tissue::Vessel);
            let wall = Capsule { radius: part.radius + 1.6, ..*part };
            grid.capsule(&wall, 20.0, None, inside);
            grid.capsule(part, -980.0, Some(Tissue::Airway), inside);
        }
    }

    fn voxel(&self, point: Point, effusion: f32) -> (Tissue, f32) {
        let [x, y, z] = point;
        if outline([x, y], self.body) > 1.0 {
            // The table: a thin shell below the back.
            let gap = y - self.body[1] - self.table - 0.0006 * x * x;
            let shell = (0.0..7.0).contains(&gap) && x.abs() < 200.0;
            return (Tissue::Air, if shell { -120.0 } else { -1000.0 });
        }
        let texture = smooth_noise(self.noise, 22.0, point);
        let cavity = self.cavity_at(point);
        let floor = self.diaphragm(x, y);
        if cavity >= 1.0 && !(z < floor && self.in_trunk(x, y)) {
            return self.wall(point, cavity, texture);
        }
        let spine = self.spine();
        if let Some(bone) = self.vertebra([x, y - spine, z]) {
            return (Tissue::Bone, bone + 25.0 * texture);
        }
        let heart = self.heart.distance(point);
        if heart < 7.0 + effusion && z > floor - 26.0 {
            return (Tissue::Heart, self.heart_at(point, heart, effusion, texture));
        }
        if z < floor {
            return (Tissue::Abdomen, self.abdomen(point, floor, texture));
        }
        let narrow = ((y + self.cavity[1]) / (0.8 * self.cavity[1])).clamp(0.0, 1.0);
        let mediastinum = self.mediastinum * (0.25 + 0.75 * narrow);
        if x.abs() < mediastinum {
            return (Tissue::Mediastinum, self.fat_density + 10.0 * texture);
        }
        let dependent = self.gradient * (y / self.cavity[1]);
        (Tissue::Lung, self.lung + dependent + 22.0 * texture)
    }

    fn in_trunk(&self, x: f32, y: f32) -> bool {
        self.cavity_at([x, y, 0.0]) < 1.0
    }

    /// Skin, fat, muscle, ribs and breastbone.
    fn wall(&self, [x, y, z]: Point, cavity: f32, texture: f32) -> (Tissue, f32) {
        if outline([x, y], self.body.map(|half| half - self.fat)) > 1.0 {
            return (Tissue::Wall, self.fat_density + 8.0 * texture);
        }
        if let Some(bone) = self.vertebra([x, y - self.spine(), z]) {
            return (Tissue::Bone, bone + 25.0 * texture);
        }
        if x.abs() < 17.0 && y < -self.cavity[1] - 2.0 && z > -60.0 && z < self.top - 20.0 {
            return (Tissue::Bone, self.bone + 40.0 * texture);
        }
        let [phase, pitch, slope] = self.rib;
        let level = (z - slope * y) / pitch + phase;
        let level = level - level.floor();
        if cavity < 1.26 && level < 0.4 && z < self.top + 6.0 && z > self.base - 30.0 {
            let rim = (level - 0.2).abs() > 0.13;
            return (Tissue::Bone, if rim { 330.0 } else { self.bone } + 40.0 * texture);
        }
        (Tissue::Wall, self.muscle + 12.0 * texture)
    }

    /// Density of the spine at an offset from its middle.
    fn vertebra(&self, [x, y, z]: Point) -> Option<f32> {
        let (u, v) = (x / 18.0, y / 14.0);
        let inside = u * u + v * v;
        if inside < 1.0 {
            let level = z / self.vertebra;
            let level = level - level.floor();
            if level < 0.18 {
                return Some(80.0);
            }
            let rim = inside > 0.78 || !(0.26..0.92).contains(&level);
            return Some(if rim { self.bone + 110.0 } else { self.bone });
        }
        let canal = x * x + (y - 22.0) * (y - 22.0);
        if canal < 64.0 {
            return Some(25.0);
        }
        let process = x.abs() < 5.0 && (30.0..46.0).contains(&y);
        (canal < 170.0 || process).then_some(self.bone + 90.0)
    }

    fn heart_at(&self, point: Point, distance: f32, effusion: f32, texture: f32) -> f32 {
        if distance > 3.0 + effusion {
            return self.fat_density + 8.0 * texture;
        }
        if distance > 3.0 {
            return 10.0 + 6.0 * texture;
        }
        if distance > 0.0 {
            return self.fat_density + 8.0 * texture;
        }
        let offset = sub(point, self.heart.centre);
        let axes = self.heart.axes;
        for (side, share) in
            [([0.4, 0.15, -0.1], 0.42), ([-0.3, -0.3, 0.0], 0.46), ([0.0, 0.35, 0.4], 0.36)]
        {
            let part: Point = std::array::from_fn(|axis| {
                (offset[axis] - side[axis] * axes[axis]) / (share * axes[axis])
            });
            if dot(part, part) < 1.0 {
                return self.blood + 6.0 * texture;
            }
        }
        48.0 + (self.blood - 45.0) * 0.3 + 6.0 * texture
    }

    fn abdomen(&self, [x, y, z]: Point, floor: f32, texture: f32) -> f32 {
        if z > floor - 3.0 {
            return 40.0;
        }
        if x < 18.0 {
            return 56.0 + 0.25 * (self.blood - 40.0) + 6.0 * texture;
        }
        let (u, v, w) = ((x - 62.0) / 40.0, (y + 22.0) / 36.0, (z - floor + 36.0) / 30.0);
        let stomach = u * u + v * v + w * w;
        if stomach < 1.0 {
            let air = v < -0.25 && stomach < 0.85;
            return if air { -930.0 } else { 22.0 + 8.0 * texture };
        }
        if y > 8.0 && x > 40.0 {
            return 50.0 + 0.3 * (self.blood - 40.0) + 6.0 * texture;
        }
        self.fat_density + 30.0 * (texture + 0.3)
    }
}

/// Where a point lies between the middle (0) and the edge (1) of a section with these half axes, which is rounder than a
/// box and more angular than an ellipse.
fn outline([x, y]: [f32; 2], [width, depth]: [f32; 2]) -> f32 {
    rounded(x.abs() / width) + rounded(y.abs() / depth)
}

/// The power 2.5, by operations that are exact everywhere.
fn rounded(part: f32) -> f32 {
    part * part * part.sqrt()
}

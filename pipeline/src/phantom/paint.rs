//! Findings as voxels.

use super::anatomy::{Anatomy, Side};
use super::finding::{Finding, Kind};
use super::grid::{Capsule, Ellipsoid, Grid, Point, Tissue, dot, smooth_noise, sub, unit};
use crate::draws::Draws;

/// Size in mm of the islands with air in a consolidation, and their density.
const GRAIN: f32 = 11.0;
const AERATED: f32 = -500.0;
/// Tries to find a place for a lesion before it is painted where the last try fell.
const TRIES: usize = 300;

/// Paints the findings of a study.
pub(super) fn paint(grid: &mut Grid, anatomy: &Anatomy, findings: &[Finding]) {
    for finding in findings {
        let mut painter = Painter {
            grid,
            anatomy,
            finding,
            code: finding.kind.code(),
            draws: Draws::new(finding.kind.key(), finding.seed, 0),
        };
        painter.paint();
    }
}

struct Painter<'a> {
    grid: &'a mut Grid,
    anatomy: &'a Anatomy,
    finding: &'a Finding,
    code: u8,
    draws: Draws,
}

impl Painter<'_> {
    fn paint(&mut self) {
        match self.finding.kind {
            Kind::AorticCalcification => self.aortic_calcification(),
            Kind::CoronaryCalcification => self.coronary_calcification(),
            Kind::Cardiomegaly | Kind::PericardialEffusion => self.mark_heart(),
            Kind::HiatalHernia => self.hernia(),
            Kind::Lymphadenopathy => self.nodes(),
            Kind::Emphysema => self.emphysema(),
            Kind::Atelectasis => self.atelectasis(),
            Kind::Nodule | Kind::Mass => self.nodules(),
            Kind::GroundGlass => self.ground_glass(),
            Kind::Consolidation => self.consolidation(),
            Kind::PleuralEffusion => self.effusion(),
            Kind::Pneumothorax => self.pneumothorax(),
        }
    }

    /// A point of the lungs in the finding's lobe; further lesions lie anywhere.
    fn in_lung(&mut self, lesion: usize, margin: f32) -> Point {
        let mut last = [0.0; 3];
        for attempt in 0..TRIES {
            let side = match self.finding.side {
                Some(side) if lesion == 0 => side,
                _ => *self.draws.pick(&Side::BOTH),
            };
            let [width, depth] = self.anatomy.cavity;
            let point = [
                side.sign() * self.draws.between(0.2, 0.95) * width,
                self.draws.between(-0.92, 0.92) * depth,
                self.draws.between(-95.0, self.anatomy.top - 5.0),
            ];
            let lobe = self.anatomy.lobe(point);
            if lesion == 0 && self.finding.lobe.is_some_and(|wanted| lobe != wanted) {
                continue;
            }
            let inside = |point| {
                matches!(self.grid.tissue_at(point), Tissue::Lung | Tissue::Vessel | Tissue::Airway)
            };
            if !inside(point) {
                continue;
            }
            last = point;
            // Late tries put up with less room.
            let room = margin * (1.0 - attempt as f32 / TRIES as f32);
            let free = (0..6).all(|face| {
                let mut moved = point;
                moved[face / 2] += if face % 2 == 0 { room } else { -room };
                inside(moved)
            });
            if free {
                return point;
            }
        }
        last
    }

    fn aortic_calcification(&mut self) {
        for _ in 0..self.finding.count {
            let part = *self.draws.pick(&self.anatomy.aorta);
            let along = self.draws.between(0.0, 1.0);
            let axis = sub(part.to, part.from);
            let around: Point = std::array::from_fn(|_| self.draws.between(-1.0, 1.0));
            let axis_unit = unit(axis);
            let lift = dot(around, axis_unit);
            let out = unit(std::array::from_fn(|i| around[i] - lift * axis_unit[i]));
            let centre = std::array::from_fn(|i| {
                part.from[i] + along * axis[i] + (part.radius - 0.5) * out[i]
            });
            // A plate that follows the wall.
            let thickness = self.finding.size / 2.0;
            let reach = self.draws.between(9.0, 20.0);
            let density = self.draws.between(550.0, 950.0);
            let (part, code) = (Capsule { radius: part.radius - 0.5, ..part }, self.code);
            self.grid.in_box(centre, [reach + 4.0; 3], |grid, voxel, point| {
                if matches!(grid.tissue[voxel], Tissue::Vessel | Tissue::Mediastinum | Tissue::Lung)
                {
                    let offset = sub(point, centre);
                    let far = dot(offset, offset).sqrt() - reach;
                    let across = part.distance(point).abs() - thickness / 2.0;
                    grid.mix(voxel, grid.coverage(far.max(across)), density, code);
                }
            });
        }
    }

    fn coronary_calcification(&mut self) {
        let heart = self.anatomy.heart;
        for _ in 0..self.finding.count {
            let along = self.draws.between(0.0, 1.0);
            let direction = match self.draws.below(4) {
                0 | 1 => [0.35 + 0.35 * along, -0.75, 0.6 - 1.0 * along],
                2 => [-0.7, -0.5, 0.4 - 0.8 * along],
                _ => [0.7, 0.3, 0.5 - 0.4 * along],
            };
            let centre = heart.grown(1.0).surface(unit(direction));
            let radius = self.finding.size / 2.0 * self.draws.between(0.7, 1.2);
            let density = self.draws.between(900.0, 1500.0);
            self.grid.ellipsoid(&Ellipsoid::ball(centre, radius), density, self.code, |tissue| {
                tissue == Tissue::Heart
            });
        }
    }

    /// The heart, or the fluid around it, is already there.
    fn mark_heart(&mut self) {
        let heart = self.anatomy.heart;
        let thickness = self.finding.size;
        let fluid = self.finding.kind == Kind::PericardialEffusion;
        let code = self.code;
        let reach = heart.axes.map(|axis| axis + thickness + 8.0);
        self.grid.in_box(heart.centre, reach, |grid, voxel, point| {
            let distance = heart.distance(point);
            let inside =
                if fluid { (3.0..3.0 + thickness).contains(&distance) } else { distance < 0.0 };
            if inside && grid.tissue[voxel] == Tissue::Heart {
                grid.mask[voxel] = code;
            }
        });
    }

    fn hernia(&mut self) {
        let size = self.finding.size / 2.0;
        let spine = self.anatomy.spine();
        let x = self.draws.between(-4.0, 18.0);
        let y = spine - 22.0 - 0.62 * size;
        let floor = self.anatomy.diaphragm(x, y);
        let centre = [x, y, floor + self.draws.between(0.3, 0.7) * size];
        let shape = Ellipsoid { centre, axes: [size, 0.62 * size, size] };
        let place =
            |tissue| !matches!(tissue, Tissue::Bone | Tissue::Air | Tissue::Wall | Tissue::Abdomen);
        self.grid.ellipsoid(&shape, 42.0, self.code, place);
        let inner = shape.grown(-3.5);
        // Contrast medium that was drunk, and mostly some air above it.
        let level = self.draws.between(-0.6, -0.1) * inner.axes[1] + y;
        let has_air = self.draws.chance(0.7);
        let medium = self.draws.between(280.0, 480.0);
        let code = self.code;
        let noise = self.draws.bits() as u32;
        self.grid.in_box(centre, shape.axes, |grid, voxel, point| {
            if place(grid.tissue[voxel]) {
                let share = grid.coverage(inner.distance(point));
                let drunk = medium + 40.0 * smooth_noise(noise, 9.0, point);
                let density = if has_air && point[1] < level { -920.0 } else { drunk };
                grid.mix(voxel, share, density, code);
            }
        });
    }

    fn nodes(&mut self) {
        let carina = self.anatomy.carina;
        let stations = [
            [-16.0, 2.0, carina + 34.0],
            [-15.0, 0.0, carina + 12.0],
            [15.0, -4.0, carina + 14.0],
            [2.0, 22.0, carina - 20.0],
            [-10.0, -30.0, carina + 22.0],
            [10.0, -30.0, carina + 30.0],
            [-30.0, 6.0, carina - 12.0],
            [32.0, 6.0, carina - 10.0],
            // At the hila they bulge into the lungs.
            [-42.0, 2.0, carina - 16.0],
            [42.0, 2.0, carina - 16.0],
            [-38.0, 0.0, carina + 6.0],
            [38.0, 0.0, carina + 6.0],
        ];
        for lesion in 0..self.finding.count {
            let station = *self.draws.pick(&stations);
            let centre = station.map(|value| value + self.draws.between(-12.0, 12.0));
            let share = if lesion == 0 { 1.0 } else { self.draws.between(0.75, 1.0) };
            let radius = self.finding.size / 2.0 * share;
            let shape = Ellipsoid { centre, axes: [radius, radius, 1.25 * radius] };
            let density = self.draws.between(85.0, 120.0);
            self.grid.ellipsoid(&shape, density, self.code, |tissue| {
                matches!(tissue, Tissue::Mediastinum | Tissue::Lung)
            });
        }
    }

    fn emphysema(&mut self) {
        for _ in 0..self.finding.count {
            let mut centre = self.in_lung(1, 0.0);
            // Mostly in the upper lobes.
            if self.draws.chance(0.6) && centre[2] < 0.0 {
                centre = self.in_lung(1, 0.0);
            }
            let radius = self.finding.size / 2.0 * self.draws.between(0.5, 1.5);
            self.grid.ellipsoid(&Ellipsoid::ball(centre, radius), -985.0, self.code, |tissue| {
                tissue == Tissue::Lung
            });
        }
    }

    fn atelectasis(&mut self) {
        for lesion in 0..self.finding.count {
            let centre = self.in_lung(lesion, 8.0);
            let normal = unit([
                self.draws.between(-0.5, 0.5),
                self.draws.between(-0.7, 0.7),
                self.draws.between(0.7, 1.0),
            ]);
            let reach = self.draws.between(26.0, 48.0);
            let thickness = self.finding.size / 2.0;
            let density = self.draws.between(85.0, 130.0);
            let code = self.code;
            self.grid.in_box(centre, [reach; 3], |grid, voxel, point| {
                if matches!(grid.tissue[voxel], Tissue::Lung | Tissue::Vessel) {
                    let offset = sub(point, centre);
                    let height = dot(offset, normal).abs();
                    let far = (dot(offset, offset) - height * height).max(0.0).sqrt() / reach;
                    let thin = thickness * (1.0 - far * far).max(0.0).sqrt();
                    let share = if far < 1.0 { grid.coverage(height - thin) } else { 0.0 };
                    grid.mix(voxel, share, density, code);
                }
            });
        }
    }

    fn nodules(&mut self) {
        for lesion in 0..self.finding.count {
            let share = if lesion == 0 { 1.0 } else { self.draws.between(0.75, 1.0) };
            let radius = (self.finding.size / 2.0 * share).max(4.0);
            let centre = self.in_lung(lesion, radius);
            let axes = std::array::from_fn(|_| radius * self.draws.between(0.85, 1.0));
            let density = match self.finding.kind {
                Kind::Mass => self.draws.between(30.0, 70.0),
                _ => self.draws.between(150.0, 230.0),
            };
            self.grid.ellipsoid(&Ellipsoid { centre, axes }, density, self.code, |tissue| {
                matches!(tissue, Tissue::Lung | Tissue::Vessel | Tissue::Airway)
            });
        }
    }

    fn ground_glass(&mut self) {
        for lesion in 0..self.finding.count {
            let radius = self.finding.size / 2.0 * self.draws.between(0.7, 1.0);
            let centre = self.in_lung(lesion, 0.5 * radius);
            let density = self.draws.between(-620.0, -480.0);
            self.patch(centre, radius, density, false);
        }
    }

    fn consolidation(&mut self) {
        for lesion in 0..self.finding.count {
            let radius = self.finding.size / 2.0 * self.draws.between(0.75, 1.0);
            let centre = self.in_lung(lesion, 0.4 * radius);
            let density = self.draws.between(10.0, 60.0);
            self.patch(centre, radius, density, true);
            for _ in 0..4 {
                let way = unit(std::array::from_fn(|_| self.draws.between(-1.0, 1.0)));
                let end = |length: f32| std::array::from_fn(|i| centre[i] + length * way[i]);
                let bronchus = Capsule {
                    from: end(-0.2 * radius),
                    to: end(0.8 * radius),
                    radius: self.draws.between(1.6, 2.6),
                };
                self.grid.capsule(&bronchus, -900.0, None, |tissue| tissue == Tissue::Lung);
            }
        }
    }

    /// A region of lung with a ragged edge that is filled to `density`.
    fn patch(&mut self, centre: Point, radius: f32, density: f32, fill: bool) {
        let noise = self.draws.bits() as u32;
        let code = self.code;
        self.grid.in_box(centre, [1.5 * radius; 3], |grid, voxel, point| {
            if grid.tissue[voxel] != Tissue::Lung {
                return;
            }
            let offset = sub(point, centre);
            let distance = dot(offset, offset).sqrt()
                - radius * (1.0 + 0.4 * smooth_noise(noise, 0.5 * radius, point));
            let share = if fill {
                grid.coverage(distance)
            } else {
                // A soft edge of about a centimetre.
                (0.5 - distance / 12.0).clamp(0.0, 1.0)
            };
            if share > 0.0 && grid.hounsfield[voxel] < density {
                let grain = smooth_noise(noise ^ 1, GRAIN, point);
                // Islands of lung that still hold air.
                let aerated = fill && grain > 0.15;
                let here = if aerated { AERATED } else { density + 25.0 * grain };
                grid.mix(voxel, share, here, code);
            }
        });
    }

    fn sides(&self) -> Vec<Side> {
        self.finding.side.map_or_else(|| Side::BOTH.to_vec(), |side| vec![side])
    }

    /// Fluid lies behind and below.
    fn effusion(&mut self) {
        let [width, depth] = self.anatomy.cavity;
        for side in self.sides() {
            let share = self.draws.between(0.8, 1.1);
            let thickness = self.finding.size * share;
            let density = self.draws.between(0.0, 25.0);
            let code = self.code;
            let anatomy = self.anatomy;
            let centre = [side.sign() * width / 2.0, 0.0, 0.0];
            self.grid.in_box(centre, [width / 2.0, depth, 140.0], |grid, voxel, point| {
                if !matches!(grid.tissue[voxel], Tissue::Lung | Tissue::Vessel | Tissue::Airway) {
                    return;
                }
                let [x, y, z] = point;
                // The back wall at this place, and the height above the diaphragm.
                let wall = anatomy.wall_depth(x);
                let rise = (z - anatomy.diaphragm(x, y)).max(0.0);
                let here = thickness * (1.0 - rise / (60.0 + 2.0 * thickness));
                let share = grid.coverage(wall - here - y).max(grid.coverage(rise - 0.3 * here));
                if here > 0.0 && share > 0.0 {
                    grid.mix(voxel, share, density, code);
                    if share >= 0.5 {
                        grid.tissue[voxel] = Tissue::Wall;
                    }
                }
            });
        }
    }

    /// Air lies in front and above.
    fn pneumothorax(&mut self) {
        let [width, depth] = self.anatomy.cavity;
        for side in self.sides() {
            let thickness = self.finding.size;
            let code = self.code;
            let anatomy = self.anatomy;
            let top = anatomy.top;
            let centre = [side.sign() * width / 2.0, 0.0, 0.0];
            self.grid.in_box(centre, [width / 2.0, depth, 140.0], |grid, voxel, point| {
                if !matches!(grid.tissue[voxel], Tissue::Lung | Tissue::Vessel) {
                    return;
                }
                let [x, y, z] = point;
                let wall = anatomy.wall_depth(x);
                let here = thickness * (0.5 + 0.5 * ((z + 60.0) / (top + 60.0)).clamp(0.0, 1.0));
                let share = grid.coverage(y + wall - here);
                if share > 0.0 {
                    grid.mix(voxel, share, -1000.0, code);
                    if share >= 0.5 {
                        grid.tissue[voxel] = Tissue::Air;
                    }
                }
            });
        }
    }
}

//! The arrows of a diagram and where their names stand.

use std::collections::BTreeMap;

use super::layout::{Layout, Rectangle};

/// A cubic curve from one box to another.
pub(crate) struct Curve {
    points: [(f64, f64); 4],
}

impl Curve {
    pub(crate) fn between(layout: &Layout, source: usize, target: usize) -> Self {
        let (from, to) = (&layout.boxes[source], &layout.boxes[target]);
        let (columns, start, end) =
            ((layout.columns[source], layout.columns[target]), from.middle(), to.middle());
        if columns.0 == columns.1 {
            // Within a column the curve leaves and enters on the right.
            let (a, b) = (from.right(), to.right());
            let out = a.max(b) + 40.0 + (end - start).abs().min(200.0) / 5.0;
            return Self { points: [(a, start), (out, start), (out, end), (b, end)] };
        }
        let (a, b) =
            if columns.0 < columns.1 { (from.right(), to.left) } else { (from.left, to.right()) };
        let bend = (b - a) / 2.0;
        Self { points: [(a, start), (a + bend, start), (b - bend, end), (b, end)] }
    }

    pub(crate) fn path(&self) -> String {
        let [(a, b), (c, d), (e, f), (g, h)] = self.points;
        format!("M{a:.1} {b:.1}C{c:.1} {d:.1} {e:.1} {f:.1} {g:.1} {h:.1}")
    }

    /// The point at `share` of the way.
    fn point(&self, share: f64) -> (f64, f64) {
        let rest = 1.0 - share;
        let weights = [
            rest * rest * rest,
            3.0 * rest * rest * share,
            3.0 * rest * share * share,
            share.powi(3),
        ];
        self.points.iter().zip(weights).fold((0.0, 0.0), |sum, (point, weight)| {
            (sum.0 + point.0 * weight, sum.1 + point.1 * weight)
        })
    }

    /// A place on the curve for a name where nothing stands yet; the middle when there is none.
    pub(crate) fn place_label(&self, letters: usize, taken: &mut Taken) -> (f64, f64) {
        let (width, height) = (letters as f64 * 5.5 + 4.0, 12.0);
        let label = |share: f64| {
            let (x, y) = self.point(share);
            Rectangle { left: x - width / 2.0, top: y - height / 2.0, width, height }
        };
        let shares = [0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.2, 0.8];
        let free = shares.into_iter().map(label).find(|one| taken.leaves(one));
        let found = free.unwrap_or_else(|| label(0.5));
        taken.add(found);
        (found.left + width / 2.0, found.middle())
    }
}

/// What stands on the plane already, by strips, so that only what is near is looked at.
#[derive(Default)]
pub(crate) struct Taken {
    strips: BTreeMap<i64, Vec<Rectangle>>,
}

impl Taken {
    const STRIP: f64 = 64.0;

    fn strips(found: &Rectangle) -> std::ops::RangeInclusive<i64> {
        (found.top / Self::STRIP).floor() as i64..=(found.bottom() / Self::STRIP).floor() as i64
    }

    pub(crate) fn add(&mut self, found: Rectangle) {
        for strip in Self::strips(&found) {
            self.strips.entry(strip).or_default().push(found);
        }
    }

    /// Whether a rectangle would touch nothing.
    fn leaves(&self, free: &Rectangle) -> bool {
        Self::strips(free)
            .filter_map(|strip| self.strips.get(&strip))
            .flatten()
            .all(|one| !one.overlaps(free))
    }
}

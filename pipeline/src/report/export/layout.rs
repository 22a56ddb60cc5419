//! Places the mentions of a report's graph on a plane: no two boxes touch, and the same graph always
//! gets the same picture.
//!
//! What is related stands in one band of four columns: attributes, findings, places, and attributes of
//! places alone. Within a band a column is in text order, level with what it relates to. Mentions
//! without relations fill rows below.

use std::collections::BTreeMap;

/// The part a mention plays, which decides its column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Attribute,
    Finding,
    Place,
}

/// A box on the plane, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rectangle {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Rectangle {
    pub(crate) fn right(&self) -> f64 {
        self.left + self.width
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    pub(crate) fn middle(&self) -> f64 {
        self.top + self.height / 2.0
    }

    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right()
            && other.left < self.right()
            && self.top < other.bottom()
            && other.top < self.bottom()
    }
}

/// Where everything is.
pub(crate) struct Layout {
    /// One box for each mention.
    pub(crate) boxes: Vec<Rectangle>,
    /// Column of each mention; none for those without relations.
    pub(crate) columns: Vec<Option<usize>>,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// Height of a box.
const BOX: f64 = 38.0;
/// Between two boxes of a column.
const GAP: f64 = 14.0;
/// Between two columns: room for the relations' names.
const CHANNEL: f64 = 104.0;
/// Between two bands.
const BAND: f64 = 26.0;
const MARGIN: f64 = 12.0;
/// Room to the right of a column for relations within it.
const LOOP: f64 = 110.0;
const COLUMNS: usize = 4;

/// Lays out mentions of the given roles and widths; `edges` are pairs of their positions.
pub(crate) fn lay_out(roles: &[Role], widths: &[f64], edges: &[(usize, usize)]) -> Layout {
    let count = roles.len();
    let columns = columns(roles, edges);
    let mut boxes = vec![Rectangle { left: 0.0, top: 0.0, width: 0.0, height: BOX }; count];
    let mut left = [MARGIN; COLUMNS];
    let mut edge = MARGIN;
    for (column, start) in left.iter_mut().enumerate() {
        let own = (0..count).filter(|&node| columns[node] == Some(column));
        let width = own.map(|node| widths[node]).fold(0.0, f64::max);
        *start = edge;
        if width > 0.0 {
            edge += width + CHANNEL;
        }
    }
    let mut top = MARGIN;
    for band in bands(count, edges) {
        let stacks: [Vec<usize>; COLUMNS] = std::array::from_fn(|column| {
            band.iter().copied().filter(|&node| columns[node] == Some(column)).collect()
        });
        let tallest = stacks.iter().map(Vec::len).max().unwrap_or(0);
        let height = |boxes: usize| boxes as f64 * (BOX + GAP) - GAP;
        for (column, stack) in stacks.iter().enumerate() {
            // A short column stands in the middle of its band.
            let mut y = top + (height(tallest) - height(stack.len().max(1))) / 2.0;
            for &node in stack {
                let rectangle = &mut boxes[node];
                (rectangle.left, rectangle.top, rectangle.width) = (left[column], y, widths[node]);
                y += BOX + GAP;
            }
        }
        top += height(tallest) + BAND;
    }
    let mut related = boxes
        .iter()
        .zip(&columns)
        .filter(|(_, column)| column.is_some())
        .map(|(rectangle, _)| rectangle.right() + MARGIN)
        .fold(640.0, f64::max);
    for &(a, b) in edges.iter().filter(|&&(a, b)| columns[a] == columns[b]) {
        related = related.max(boxes[a].right().max(boxes[b].right()) + LOOP);
    }
    let (mut x, mut row) = (MARGIN, false);
    for node in (0..count).filter(|&node| columns[node].is_none()) {
        if row && x + widths[node] + MARGIN > related {
            x = MARGIN;
            top += BOX + GAP;
        }
        let rectangle = &mut boxes[node];
        (rectangle.left, rectangle.top, rectangle.width) = (x, top, widths[node]);
        x += widths[node] + GAP;
        row = true;
    }
    let width = boxes.iter().map(|found| found.right() + MARGIN).fold(related, f64::max);
    let height = boxes.iter().map(Rectangle::bottom).fold(MARGIN, f64::max) + MARGIN;
    Layout { boxes, columns, width, height }
}

/// The column of each mention; none where it has no relation.
fn columns(roles: &[Role], edges: &[(usize, usize)]) -> Vec<Option<usize>> {
    let mut related = vec![false; roles.len()];
    // Whether an attribute is one of a finding; the others belong to places.
    let mut of_finding = vec![false; roles.len()];
    for &(a, b) in edges {
        for (one, other) in [(a, b), (b, a)] {
            related[one] = true;
            of_finding[one] |= roles[other] != Role::Place;
        }
    }
    (0..roles.len())
        .map(|node| {
            related[node].then(|| match roles[node] {
                Role::Attribute if of_finding[node] => 0,
                Role::Finding => 1,
                Role::Place => 2,
                Role::Attribute => 3,
            })
        })
        .collect()
}

/// Groups of mentions that relations join, in the order of their first mention.
fn bands(count: usize, edges: &[(usize, usize)]) -> Vec<Vec<usize>> {
    let mut group: Vec<usize> = (0..count).collect();
    for &(a, b) in edges {
        let (a, b) = (root(&mut group, a), root(&mut group, b));
        group[a.max(b)] = a.min(b);
    }
    let mut bands: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for node in 0..count {
        bands.entry(root(&mut group, node)).or_default().push(node);
    }
    bands.into_values().filter(|band| band.len() > 1).collect()
}

/// The first mention of the group; the way there is halved for the next time.
fn root(group: &mut [usize], mut node: usize) -> usize {
    while group[node] != node {
        group[node] = group[group[node]];
        node = group[node];
    }
    node
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn attributes_findings_and_places_stand_from_left_to_right() {
        let roles = [Role::Attribute, Role::Finding, Role::Place, Role::Attribute, Role::Finding];
        let layout = lay_out(&roles, &[60.0; 5], &[(0, 1), (1, 2), (3, 2)]);
        let left: Vec<f64> = layout.boxes.iter().map(|found| found.left).collect();
        assert!(left[0] < left[1] && left[1] < left[2] && left[2] < left[3], "{left:?}");
        assert_eq!(layout.columns, [Some(0), Some(1), Some(2), Some(3), None]);
        assert!(layout.boxes[4].top > layout.boxes[0].bottom());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn boxes_never_overlap_and_lie_on_the_plane(
            nodes in prop::collection::vec((0..3u8, 20.0..300.0f64), 1..50),
            pairs in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..60),
        ) {
            let roles: Vec<Role> = nodes
                .iter()
                .map(|(role, _)| [Role::Attribute, Role::Finding, Role::Place][usize::from(*role)])
                .collect();
            let widths: Vec<f64> = nodes.iter().map(|(_, width)| *width).collect();
            let edges: Vec<(usize, usize)> = pairs
                .iter()
                .map(|(a, b)| (a.index(nodes.len()), b.index(nodes.len())))
                .filter(|(a, b)| a != b)
                .collect();
            let layout = lay_out(&roles, &widths, &edges);
            for (index, one) in layout.boxes.iter().enumerate() {
                prop_assert!(one.width.total_cmp(&widths[index]).is_eq());
                prop_assert!(one.left >= 0.0 && one.top >= 0.0);
                prop_assert!(one.right() <= layout.width && one.bottom() <= layout.height);
                for other in &layout.boxes[index + 1..] {
                    prop_assert!(!one.overlaps(other), "{:?} {:?}", one, other);
                }
            }
        }
    }
}

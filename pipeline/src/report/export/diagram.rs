//! A report's graph as a picture: inline SVG without script or outside file, mentions as boxes in the
//! colours of the marks, relations as named arrows.

use std::collections::{BTreeMap, BTreeSet};

use super::curve::{Curve, Taken};
use super::escape::escape_html;
use super::layout::{Rectangle, Role, lay_out};
use crate::report::document::ReportDocument;
use crate::report::parsed::{Assertion, Change, Node, NodeKind, ParsedReport, Side};

/// A mention as the picture shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiagramNode {
    /// Its number in the report, which relations name.
    pub id: u32,
    /// The words of the report.
    pub text: String,
    /// What they stand for: `anatomy`, `modifier`, `observation`, `device` or `procedure`.
    pub kind: String,
    /// `present`, `absent` or `uncertain`; empty where it is neither.
    pub assertion: String,
    /// The second line, such as concept, side and change.
    pub note: String,
}

impl DiagramNode {
    /// The mention of these words; `notes` make the second line, each once.
    pub fn new<'a>(
        id: u32,
        words: &str,
        kind: &str,
        assertion: &str,
        notes: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut kept: Vec<&str> = Vec::new();
        for note in notes {
            if !note.is_empty() && !kept.contains(&note) {
                kept.push(note);
            }
        }
        Self {
            id,
            text: words.split_whitespace().collect::<Vec<_>>().join(" "),
            kind: kind.to_owned(),
            assertion: assertion.to_owned(),
            note: kept.join(" \u{b7} "),
        }
    }
}

/// A relation as the picture shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiagramEdge {
    /// Where it starts.
    pub source: u32,
    /// Where it points.
    pub target: u32,
    /// Its name.
    pub relation: String,
}

/// Letters of a line that are shown; the whole stands in the box's title.
const LETTERS: usize = 30;

/// The rules that a page needs once for all its pictures.
pub const DIAGRAM_STYLE: &str = ".graph{overflow-x:auto;margin:1rem 0}.graph svg{width:auto;max-width:none;font:12px system-ui,sans-serif;color:inherit}\
    .graph .node rect{stroke:currentColor;stroke-opacity:.55;fill:#8882}.graph .node text{fill:currentColor}\
    .graph .node .note{font-size:10.5px;opacity:.75}.graph .present rect{fill:#e5484d55}\
    .graph .absent rect{fill:#30a46c55;stroke-dasharray:5 3}\
    .graph .uncertain rect{fill:#f5a52455;stroke-dasharray:1.5 3}.graph .anatomy rect{fill:#3e63dd44}\
    .graph .edge path{fill:none;stroke:currentColor;stroke-opacity:.6;stroke-width:1.3}\
    .graph .edge text{fill:currentColor;font-size:10px;text-anchor:middle;stroke:Canvas;stroke-width:4px;\
    paint-order:stroke;stroke-linejoin:round}.graph .suggestive_of path{stroke:#c67c00;stroke-opacity:1}\
    .graph .located_at path{stroke:#3e63dd;stroke-opacity:1}.graph .measure_of path{stroke-dasharray:4 3}";

/// The graph of a parsed report.
pub(crate) fn report_diagram(document: &ReportDocument, report: &ParsedReport) -> String {
    let nodes: Vec<DiagramNode> = report.nodes.iter().map(|node| shown(document, node)).collect();
    let edges: Vec<DiagramEdge> = report
        .edges
        .iter()
        .map(|edge| DiagramEdge {
            source: edge.source,
            target: edge.target,
            relation: edge.relation.name().to_owned(),
        })
        .collect();
    diagram(&nodes, &edges, "graph")
}

fn shown(document: &ReportDocument, node: &Node) -> DiagramNode {
    let text = document.text.get(node.start as usize..node.end as usize).unwrap_or_default();
    let own = [
        node.assertion.map(Assertion::name),
        node.side.map(Side::name),
        node.change.map(Change::name),
    ];
    let concept = (node.concept != "measurement").then_some(node.preferred.as_str());
    // A word for a side is named after it.
    let lower = text.to_lowercase();
    let mut notes: Vec<&str> =
        std::iter::once(concept).chain(own).flatten().filter(|note| *note != lower).collect();
    if notes.is_empty() {
        notes.push(if node.kind == NodeKind::Anatomy { "place" } else { "attribute" });
    }
    let assertion = node.assertion.map_or("", Assertion::name);
    DiagramNode::new(node.id, text, node.kind.name(), assertion, notes)
}

/// The picture of any graph in a `<figure>`; `key` makes its ids unique on the page. Relations that name
/// a mention which is not there are left out. What it shows stands in its title and description, which
/// screen readers read.
pub fn diagram(nodes: &[DiagramNode], edges: &[DiagramEdge], key: &str) -> String {
    let places: BTreeMap<u32, usize> =
        nodes.iter().enumerate().map(|(at, node)| (node.id, at)).collect();
    let at = |id: u32| places.get(&id).copied();
    let drawn: Vec<(usize, usize, &DiagramEdge)> = edges
        .iter()
        .filter_map(|edge| Some((at(edge.source)?, at(edge.target)?, edge)))
        .filter(|(source, target, _)| source != target)
        .collect();
    let roles: Vec<Role> = nodes.iter().map(role).collect();
    let widths: Vec<f64> = nodes.iter().map(width).collect();
    let pairs: Vec<(usize, usize)> = drawn.iter().map(|&(a, b, _)| (a, b)).collect();
    let layout = lay_out(&roles, &widths, &pairs);

    let key = key.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    let mut picture = format!(
        "<figure class=\"graph\"><svg role=\"img\" aria-labelledby=\"{key}-title {key}-desc\" \
         viewBox=\"0 0 {0:.0} {1:.0}\" width=\"{0:.0}\" height=\"{1:.0}\">\n\
         <title id=\"{key}-title\">{2} mentions and {3} relations</title>\n<desc id=\"{key}-desc\">{4}</desc>\n\
         <defs><marker id=\"{key}-tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" \
         markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0 8 4 0 8z\" fill=\"currentColor\"/></marker></defs>\n",
        layout.width,
        layout.height,
        nodes.len(),
        drawn.len(),
        describe(nodes, &drawn),
    );
    let mut labels = Taken::default();
    layout.boxes.iter().for_each(|found| labels.add(*found));
    for (index, (source, target, edge)) in drawn.iter().enumerate() {
        let curve = Curve::between(&layout, *source, *target);
        let name = escape_html(&edge.relation);
        let (x, y) = curve.place_label(edge.relation.len(), &mut labels);
        picture += &format!(
            "<g class=\"edge {name}\" data-edge=\"{index}\" data-source=\"{}\" data-target=\"{}\">\
             <path d=\"{}\" marker-end=\"url(#{key}-tip)\"/><text x=\"{x:.1}\" y=\"{:.1}\">{}</text></g>\n",
            edge.source,
            edge.target,
            curve.path(),
            y + 3.5,
            name.replace('_', " "),
        );
    }
    for (node, found) in nodes.iter().zip(&layout.boxes) {
        let class = match (node.kind.as_str(), node.assertion.as_str()) {
            ("anatomy", _) => "anatomy".to_owned(),
            (_, "") => "modifier".to_owned(),
            (_, assertion) => escape_html(assertion),
        };
        let (id, text, note) = (node.id, escape_html(&node.text), escape_html(&node.note));
        let (line, second) = (escape_html(&cut(&node.text)), escape_html(&cut(&node.note)));
        let Rectangle { left, top, width, height } = *found;
        picture += &format!(
            "<g class=\"node {class}\" data-node=\"{id}\"><title>{text}: {note}</title>\
             <rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"5\"/>\
             <text x=\"{left:.1}\" y=\"{top:.1}\" dx=\"8\" dy=\"16\">{line}</text>\
             <text class=\"note\" x=\"{left:.1}\" y=\"{top:.1}\" dx=\"8\" dy=\"30\">{second}</text></g>\n",
        );
    }
    picture.push_str("</svg></figure>\n");
    picture
}

fn role(node: &DiagramNode) -> Role {
    match node.kind.as_str() {
        "anatomy" => Role::Place,
        "modifier" => Role::Attribute,
        _ => Role::Finding,
    }
}

/// Letters of proportional fonts differ; the widest common ones are about this wide at these sizes.
fn width(node: &DiagramNode) -> f64 {
    let letters = |text: &str| text.chars().count().min(LETTERS) as f64;
    (letters(&node.text) * 7.4).max(letters(&node.note) * 6.3).max(40.0) + 16.0
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LETTERS {
        return text.to_owned();
    }
    text.chars().take(LETTERS - 1).chain(['\u{2026}']).collect()
}

/// The graph in words: what is related, then what is not.
fn describe(nodes: &[DiagramNode], drawn: &[(usize, usize, &DiagramEdge)]) -> String {
    let named = |node: &DiagramNode| format!("{} ({})", node.text, node.note);
    let mut words: Vec<String> = drawn
        .iter()
        .map(|(source, target, edge)| {
            let relation = edge.relation.replace('_', " ");
            format!("{} {relation} {}", named(&nodes[*source]), named(&nodes[*target]))
        })
        .collect();
    let related: BTreeSet<usize> = drawn.iter().flat_map(|&(a, b, _)| [a, b]).collect();
    let alone = (0..nodes.len()).filter(|at| !related.contains(at));
    words.extend(alone.map(|at| named(&nodes[at])));
    escape_html(&words.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ReportParser;

    const TEXT: &str = "A new 12 x 9 mm spiculated nodule is present in the right upper lobe, suspicious for \
        malignancy. No pleural effusion. Stable emphysema in both lungs & <small> calcified granuloma. \
        The heart is enlarged. A tracheostomy tube is seen.";

    fn values<'a>(picture: &'a str, before: &str) -> Vec<&'a str> {
        picture.split(before).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn every_mention_and_relation_is_drawn_once_in_words_that_are_escaped() {
        let parser = ReportParser::builtin().expect("the built-in lexicon loads");
        let document = ReportDocument::from_text("t", TEXT);
        let report = parser.parse(&document);
        assert!(report.nodes.len() > 12 && report.edges.len() > 8, "{report:?}");
        let picture = report_diagram(&document, &report);
        let ids: Vec<String> = report.nodes.iter().map(|node| node.id.to_string()).collect();
        assert_eq!(values(&picture, "data-node=\""), ids);
        let ends = |pick: fn(&crate::report::parsed::Edge) -> u32| -> Vec<String> {
            report.edges.iter().map(|edge| pick(edge).to_string()).collect()
        };
        assert_eq!(values(&picture, "data-source=\""), ends(|edge| edge.source));
        assert_eq!(values(&picture, "data-target=\""), ends(|edge| edge.target));
        let relations: Vec<&str> = report.edges.iter().map(|edge| edge.relation.name()).collect();
        assert_eq!(values(&picture, "<g class=\"edge "), relations);
        assert_eq!(picture.matches("<path d=\"M").count(), report.edges.len() + 1, "and one tip");
        assert!(!picture.contains("<small>") && !picture.contains("<script"));
        assert!(picture.contains("role=\"img\"") && picture.contains("nodule"));
        assert_eq!(picture, report_diagram(&document, &report));
    }

    #[test]
    fn the_description_names_every_relation_and_every_mention_without_one() {
        let node = |id, text: &str, kind: &str, assertion: &str| DiagramNode {
            id,
            text: text.to_owned(),
            kind: kind.to_owned(),
            assertion: assertion.to_owned(),
            note: kind.to_owned(),
        };
        let nodes = [
            node(4, "nodule", "observation", "present"),
            node(7, "lung", "anatomy", ""),
            node(9, "tube", "device", "absent"),
        ];
        let edge = |source, target| DiagramEdge { source, target, relation: "located_at".into() };
        let picture = diagram(&nodes, &[edge(4, 7), edge(4, 8)], "k");
        let words = "nodule (observation) located at lung (anatomy); tube (device)</desc>";
        assert!(picture.contains(words), "{picture}");
        assert_eq!(picture.matches("data-edge").count(), 1, "8 is no mention");
        assert!(picture.contains("node absent") && picture.contains("id=\"k-desc\""));
        assert!(diagram(&[], &[], "none").contains("0 mentions"));
    }

    #[test]
    fn names_of_relations_stand_clear_of_boxes_where_there_is_room() {
        let parser = ReportParser::builtin().expect("the built-in lexicon loads");
        let document = ReportDocument::from_text("t", TEXT);
        let picture = report_diagram(&document, &parser.parse(&document));
        let number = |text: &str| text.parse::<f64>().expect("a number");
        let boxes: Vec<[f64; 4]> = picture
            .split("<rect ")
            .skip(1)
            .map(|rest| {
                ["x=\"", "y=\"", "width=\"", "height=\""].map(|name| number(values(rest, name)[0]))
            })
            .collect();
        for edge in picture.split("<g class=\"edge").skip(1) {
            let label = edge.split("<text ").nth(1).expect("a name");
            let (x, y) = (number(values(label, "x=\"")[0]), number(values(label, "y=\"")[0]));
            let inside = boxes.iter().any(|[left, top, width, height]| {
                (*left..left + width).contains(&x) && (*top..top + height).contains(&y)
            });
            assert!(!inside, "a name at {x} {y} stands in a box");
        }
    }
}

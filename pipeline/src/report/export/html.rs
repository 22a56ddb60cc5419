//! One report as an HTML page for eyes: what was found stands marked in the text, with its concept,
//! side, change and the rule that decided when the pointer rests on it, and the graph as a picture.

use super::diagram::{DIAGRAM_STYLE, report_diagram};
use super::escape::escape_html;
use crate::report::document::ReportDocument;
use crate::report::parsed::{Node, NodeKind, ParsedReport};

const STYLE: &str = "body{font:16px/1.6 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;\
    color-scheme:light dark}h2{font-size:1rem;text-transform:uppercase;letter-spacing:.05em;opacity:.7}\
    mark{border-radius:3px;padding:0 .15em;color:inherit;background:#8883}\
    mark.present{background:#e5484d55}mark.absent{background:#30a46c55;text-decoration:line-through}\
    mark.uncertain{background:#f5a52455}mark.anatomy{background:#3e63dd44}mark.modifier{background:#8882}\
    table{border-collapse:collapse;font-size:.9rem}td,th{padding:.2rem .6rem;text-align:left;\
    border-bottom:1px solid #8884}";

/// The page; it needs no other file.
pub fn to_html(document: &ReportDocument, report: &ParsedReport) -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title>\
         <style>{STYLE}{DIAGRAM_STYLE}</style></head><body><h1>{0}</h1><p>Marks: <mark class=\"present\">present</mark> \
         <mark class=\"absent\">absent</mark> <mark class=\"uncertain\">uncertain</mark> \
         <mark class=\"anatomy\">anatomy</mark> <mark class=\"modifier\">modifier</mark></p>\n",
        escape_html(&report.id)
    );
    for section in &report.sections {
        page.push_str(&format!("<h2>{}</h2>\n<p>", section.kind));
        marked(document, report, section.start, section.end, &mut page);
        page.push_str("</p>\n");
    }
    page.push_str("<h2>graph</h2>\n");
    page.push_str(&report_diagram(document, report));
    for policy in &report.labels {
        page.push_str(&format!("<h2>{}</h2>\n<table>", escape_html(&policy.policy)));
        for value in policy.values.iter().filter(|value| value.value != 0) {
            let words: Vec<String> = value
                .evidence
                .iter()
                .filter_map(|&id| report.nodes.get(id as usize))
                .map(|node| escape_html(slice(document, node.start, node.end)))
                .collect();
            let name = escape_html(&value.label);
            page.push_str(&format!(
                "<tr><th>{name}</th><td>{:+}</td><td>{}</td></tr>",
                value.value,
                words.join(", ")
            ));
        }
        page.push_str("</table>\n");
    }
    page.push_str("</body></html>\n");
    page
}

/// The text from `start` to `end` with its nodes marked; of nodes that overlap the first is.
fn marked(
    document: &ReportDocument,
    report: &ParsedReport,
    start: u32,
    end: u32,
    page: &mut String,
) {
    let mut at = start;
    for node in report.nodes.iter().filter(|node| node.start >= start && node.end <= end) {
        if node.start < at {
            continue;
        }
        page.push_str(&text(slice(document, at, node.start)));
        let class = match (node.kind, node.assertion) {
            (NodeKind::Anatomy, _) => "anatomy",
            (_, Some(assertion)) => assertion.name(),
            (_, None) => "modifier",
        };
        let words = text(slice(document, node.start, node.end));
        let title = escape_html(&describe(node));
        page.push_str(&format!("<mark class=\"{class}\" title=\"{title}\">{words}</mark>"));
        at = node.end;
    }
    page.push_str(&text(slice(document, at, end)));
}

fn describe(node: &Node) -> String {
    let mut words = vec![node.preferred.clone()];
    words.extend(node.assertion.map(|value| value.name().to_owned()));
    words.extend(node.side.map(|value| value.name().to_owned()));
    words.extend(node.change.map(|value| value.name().to_owned()));
    words.push(format!("rule {}", node.rule));
    words.join(", ")
}

fn slice(document: &ReportDocument, start: u32, end: u32) -> &str {
    document.text.get(start as usize..end as usize).unwrap_or_default()
}

fn text(text: &str) -> String {
    escape_html(text).replace('\n', "<br>\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ReportParser;

    #[test]
    fn the_page_holds_the_whole_text_and_no_markup_of_it() {
        let parser = ReportParser::builtin().expect("the built-in lexicon loads");
        let source = "FINDINGS: Nodule <script> & \"x\" in the lung.\nNo effusion.";
        let document = ReportDocument::from_text("<id>", source);
        let page = to_html(&document, &parser.parse(&document));
        assert!(!page.contains("<script>") && page.contains("&lt;script&gt;"));
        assert!(page.contains("<h1>&lt;id&gt;</h1>"));
        assert!(page.contains("<mark class=\"absent\""), "{page}");
        let body = page.split("<h2>findings</h2>").nth(1).expect("the section");
        let body = body.split("</p>").next().expect("its end");
        let mut bare = String::new();
        let mut inside = false;
        for character in body.chars() {
            match character {
                '<' => inside = true,
                '>' => inside = false,
                _ if !inside => bare.push(character),
                _ => {}
            }
        }
        let bare = bare.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
        let bare = bare.replace("&amp;", "&");
        assert_eq!(bare.trim(), source.trim_start_matches("FINDINGS: "));
    }
}

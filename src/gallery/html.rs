//! The page itself: one file, no script, no outside resource.

use std::fmt::Write as _;

use pipeline::report::{DIAGRAM_STYLE, diagram, escape_html};

use super::collect::{Card, Extras, Page, Text};
use super::training;

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--soft:#8882}\
body{font:15px/1.5 system-ui,sans-serif;max-width:1080px;margin:2rem auto;padding:0 1rem}\
h1{margin-bottom:.2rem}h2{margin-top:2.2rem;border-bottom:1px solid var(--line)}\
code{font-size:.85em}.quiet{opacity:.7}table{border-collapse:collapse;width:100%}\
td,th{text-align:left;padding:.25rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}\
.card{border:1px solid var(--line);border-radius:8px;margin:1rem 0;overflow:hidden}\
.card header{padding:.5rem 1rem;background:var(--soft);display:flex;gap:1rem;flex-wrap:wrap}\
.card img{display:block;max-width:100%;margin:0 auto;background:#181818}\
.card div,.card details{padding:.2rem 1rem .6rem}.section{font-weight:600;margin-top:.5rem}\
mark{border-radius:3px;padding:0 .15em;color:inherit;background:#8883}\
mark.present{background:#e5484d55}mark.absent{background:#30a46c55}\
mark.uncertain{background:#f5a52455}mark.anatomy{background:#3e63dd44}\
mark.device,mark.procedure{background:#8e4ec655}\
.label{display:inline-block;border:1px solid var(--line);border-radius:1em;padding:0 .7em;margin:.1em}\
svg{width:100%;max-width:680px}svg .axis{fill:none;stroke:currentColor;opacity:.4}\
svg .curve{fill:none;stroke:#3e63dd;stroke-width:2}svg text{fill:currentColor;font-size:12px}";

pub(super) fn render(page: &Page, extras: &Extras) -> String {
    let mut html = String::new();
    let lock = &page.contents.lock;
    let splits: Vec<_> =
        page.splits.iter().map(|(split, count)| format!("{count} {split}")).collect();
    put(
        &mut html,
        format_args!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{0}</title>\
         <style>{STYLE}{DIAGRAM_STYLE}</style><h1>{0}</h1><p class=\"quiet\">version {1} · {2} · release \
         <code>{3}</code></p><p>{4} studies ({5}), {6} volumes, {7} inputs left out.</p>",
            escape_html(&lock.name),
            escape_html(&lock.data_version),
            escape_html(&lock.tool),
            &page.contents.release_id[..16],
            page.contents.included_studies,
            splits.join(", "),
            page.contents.included,
            page.excluded.len()
        ),
    );
    html.push_str(&training::render(extras));
    put(
        &mut html,
        format_args!(
            "<h2>Studies</h2><p class=\"quiet\">{} of {} series. Rows: lung and soft tissue. \
        Marks: <mark class=\"present\">present</mark> <mark class=\"absent\">absent</mark> \
        <mark class=\"uncertain\">uncertain</mark> <mark class=\"anatomy\">anatomy</mark> \
        <mark class=\"device\">device or procedure</mark>; details on hover.</p>",
            page.cards.len(),
            page.contents.included
        ),
    );
    let mut last_study = "";
    for card in &page.cards {
        let text = page.texts.get(&card.study).filter(|_| card.study != last_study);
        study(&mut html, card, text);
        last_study = &card.study;
    }
    excluded(&mut html, page);
    html.push_str("</html>\n");
    html
}

fn put(html: &mut String, arguments: std::fmt::Arguments<'_>) {
    html.write_fmt(arguments).expect("writing to a string does not fail");
    html.push('\n');
}

fn study(html: &mut String, card: &Card, text: Option<&Text>) {
    let [depth, height, width] = card.shape;
    let [x, y, z] = card.spacing;
    put(
        html,
        format_args!(
            "<article class=\"card\"><header><strong>{}</strong><span>{}</span><span>{}</span>\
         <span class=\"quiet\">{width} × {height} × {depth} at {x:.2} × {y:.2} × {z:.2} mm</span></header>\
         <img loading=\"lazy\" src=\"{}\" alt=\"slices of {}\">",
            escape_html(&card.series),
            card.split,
            escape_html(&card.view),
            card.picture,
            escape_html(&card.series)
        ),
    );
    for warning in &card.warnings {
        put(html, format_args!("<div class=\"quiet\">{}</div>", escape_html(warning)));
    }
    if let Some(text) = text {
        html.push_str("<div>");
        for (section, start, end) in &text.sections {
            let title = section.replace('_', " ");
            put(
                html,
                format_args!(
                    "<div class=\"section\">{}</div><p>{}</p>",
                    escape_html(&title),
                    marked(text, *start, *end)
                ),
            );
        }
        for (label, value) in text.labels.iter().filter(|(_, value)| *value != 0) {
            let doubt = if *value < 0 { " ?" } else { "" };
            put(html, format_args!("<span class=\"label\">{}{doubt}</span>", escape_html(label)));
        }
        html.push_str("</div>");
        if !text.nodes.is_empty() {
            html.push_str("<details><summary>Graph</summary>");
            html.push_str(&diagram(&text.nodes, &text.edges, &card.study));
            html.push_str("</details>");
        }
    }
    html.push_str("</article>\n");
}

/// The text between two offsets with its marks; a mark inside another is left to the outer one.
fn marked(text: &Text, start: u32, end: u32) -> String {
    let slice = |from: u32, to: u32| {
        escape_html(text.body.get(from as usize..to as usize).unwrap_or_default())
    };
    let mut marks: Vec<_> =
        text.marks.iter().filter(|mark| mark.start >= start && mark.end <= end).collect();
    marks.sort_by_key(|mark| (mark.start, std::cmp::Reverse(mark.end)));
    let (mut html, mut at) = (String::new(), start);
    for mark in marks {
        if mark.start < at {
            continue;
        }
        html += &slice(at, mark.start);
        html += &format!(
            "<mark class=\"{}\" title=\"{}\">{}</mark>",
            escape_html(&mark.class),
            escape_html(&mark.title),
            slice(mark.start, mark.end)
        );
        at = mark.end;
    }
    html + &slice(at, end)
}

fn excluded(html: &mut String, page: &Page) {
    put(html, format_args!("<h2>Left out</h2>"));
    if page.excluded.is_empty() {
        html.push_str("<p>Nothing.</p>");
        return;
    }
    html.push_str("<table><tr><th>input<th>reason<th>finding</tr>");
    for [source, reason, detail] in &page.excluded {
        put(
            html,
            format_args!(
                "<tr><td><code>{}</code><td>{}<td>{}</tr>",
                escape_html(source),
                escape_html(reason),
                escape_html(detail)
            ),
        );
    }
    html.push_str("</table>");
}

#[cfg(test)]
mod tests {
    use pipeline::report::{DiagramEdge, DiagramNode};

    use super::super::collect::Mark;
    use super::*;

    #[test]
    fn marks_wrap_their_words_and_nothing_is_lost_or_left_unescaped() {
        let mark = |start, end, class: &str| Mark {
            start,
            end,
            class: class.into(),
            title: "a \"b\"".into(),
        };
        let text = Text {
            body: "No <effusion> in lung.".into(),
            marks: vec![mark(3, 13, "absent"), mark(4, 12, "inner"), mark(17, 21, "anatomy")],
            ..Text::default()
        };
        assert_eq!(
            marked(&text, 0, 22),
            "No <mark class=\"absent\" title=\"a &quot;b&quot;\">&lt;effusion&gt;</mark> in \
             <mark class=\"anatomy\" title=\"a &quot;b&quot;\">lung</mark>."
        );
    }

    #[test]
    fn a_study_s_graph_is_drawn_from_its_rows() {
        let node = |id, text: &str, kind: &str, assertion: &str| DiagramNode {
            id,
            text: text.into(),
            kind: kind.into(),
            assertion: assertion.into(),
            note: String::new(),
        };
        let text = Text {
            nodes: vec![
                node(0, "effusion", "observation", "absent"),
                node(1, "lung", "anatomy", ""),
            ],
            edges: vec![DiagramEdge { source: 0, target: 1, relation: "located_at".into() }],
            ..Text::default()
        };
        let card = Card { series: "s".into(), study: "study 1".into(), ..Card::default() };
        let mut html = String::new();
        study(&mut html, &card, Some(&text));
        assert_eq!(html.matches("data-node=").count(), 2);
        assert!(html.contains("data-source=\"0\" data-target=\"1\""), "{html}");
        assert!(html.contains("aria-labelledby=\"study-1-title study-1-desc\""), "{html}");
        study(&mut html, &card, Some(&Text::default()));
        assert_eq!(html.matches("<svg").count(), 1, "no graph, no picture");
    }
}

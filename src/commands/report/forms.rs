//! The forms that one parsed report is written in, each under the name that `radloom list exports` shows.

use std::io::{Result, Write};

use pipeline::report::{ParsedReport, ReportDocument, to_html, to_json_line, to_radgraph};
use serde_json::json;

use super::outline::{organs, organs_json, outline};

/// A form of a parsed report.
pub(crate) struct Form {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it is, in one line.
    pub(crate) doc: &'static str,
    /// Writes one report.
    pub(super) write: fn(&ReportDocument, &ParsedReport, &mut dyn Write) -> Result<()>,
}

/// Every form, in the order of the documentation.
pub(crate) static FORMS: &[Form] = &[
    Form {
        name: "outline",
        doc: "Sentences with what was found in each, for people; the form when no other is asked for.",
        write: outline,
    },
    Form {
        name: "json",
        doc: "One JSON object per report with sections, sentences, nodes, edges, measurements and labels.",
        write: |document, parsed, out| writeln!(out, "{}", to_json_line(document, parsed)),
    },
    Form {
        name: "radgraph",
        doc: "One JSON object per report in the shape of RadGraph.",
        write: |document, parsed, out| {
            let value = json!({ document.id.as_str(): to_radgraph(document, parsed) });
            writeln!(out, "{value}")
        },
    },
    Form {
        name: "html",
        doc: "An HTML page with what was found marked in the text.",
        write: |document, parsed, out| write!(out, "{}", to_html(document, parsed)),
    },
    Form { name: "organs", doc: "The sentences of a report by organ.", write: organs },
    Form {
        name: "organs-json",
        doc: "The sentences of a report by organ, one JSON object per report.",
        write: organs_json,
    },
];

/// The form of this name; the outline where there is none.
pub(super) fn form(name: &str) -> &'static Form {
    FORMS.iter().find(|form| form.name == name).unwrap_or(&FORMS[0])
}

//! `radloom list`: what manifests and options may name, from the lists that the code itself goes by.

use model::encoder::ImageEncoderKind;
use pipeline::plan::layout;
use pipeline::report::{ReportParser, rules};
use schemas::manifest::Preset;
use schemas::reason::Reason;
use schemas::tables;
use serde_json::{Map, Value, json};

use super::report::FORMS;
use crate::cli::{Common, ListArgs, ListKind};
use crate::failure::{DONE, Failure};
use crate::progress::print;

/// A line of a list.
struct Entry {
    name: String,
    doc: String,
}

impl Entry {
    fn new(name: impl Into<String>, doc: impl Into<String>) -> Self {
        Self { name: name.into(), doc: doc.into() }
    }
}

pub(super) fn run(args: &ListArgs, common: &Common) -> Result<u8, Failure> {
    let kinds = args.kind.map_or_else(|| ListKind::ALL.to_vec(), |kind| vec![kind]);
    let mut json = Map::new();
    for kind in kinds {
        let entries = entries(kind)?;
        if common.json {
            let rows = entries.iter().map(|entry| json!({ "name": entry.name, "doc": entry.doc }));
            json.insert(kind.name().to_owned(), rows.collect());
            continue;
        }
        if args.kind.is_none() {
            print(&format!("{}:", kind.name()));
        }
        let width = entries.iter().map(|entry| entry.name.len()).max().unwrap_or(0);
        for Entry { name, doc } in &entries {
            print(&format!("{name:width$}  {doc}"));
        }
    }
    if common.json {
        print(&Value::Object(json).to_string());
    }
    Ok(DONE)
}

fn entries(kind: ListKind) -> Result<Vec<Entry>, Failure> {
    Ok(match kind {
        ListKind::Systems => {
            model::system::all().iter().map(|system| Entry::new(system.name, system.doc)).collect()
        }
        ListKind::Encoders => {
            let encoders = ImageEncoderKind::ALL.iter();
            encoders.map(|encoder| Entry::new(encoder.name(), encoder.doc())).collect()
        }
        ListKind::Layouts => {
            layout::all().iter().map(|layout| Entry::new(layout.name(), layout.doc())).collect()
        }
        ListKind::Presets => {
            Preset::ALL.iter().map(|preset| Entry::new(preset.name(), preset.doc())).collect()
        }
        ListKind::Policies => policies()?,
        ListKind::Rules => {
            rules().iter().map(|info| Entry::new(info.rule.name(), info.rule.doc())).collect()
        }
        ListKind::Reasons => {
            Reason::ALL.iter().map(|reason| Entry::new(reason.name(), reason.doc())).collect()
        }
        ListKind::Exports => FORMS.iter().map(|form| Entry::new(form.name, form.doc)).collect(),
        ListKind::Tables => {
            tables::ALL.iter().map(|table| Entry::new(table.name, table.doc)).collect()
        }
    })
}

/// Label policies with their labels.
fn policies() -> Result<Vec<Entry>, Failure> {
    let parser = ReportParser::builtin()?;
    let policies = parser.policy_names().into_iter().filter_map(|name| parser.policy(name));
    Ok(policies
        .map(|policy| {
            let labels: Vec<&str> = policy.labels.iter().map(|label| &*label.name).collect();
            Entry::new(&policy.name, labels.join(", "))
        })
        .collect())
}

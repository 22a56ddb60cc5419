//! `radloom schema`.

use pipeline::plan::layout;
use serde_json::{Value, json};

use crate::failure::DONE;
use crate::progress::print;

pub(super) fn run() -> u8 {
    print(&json_schema());
    DONE
}

/// The JSON Schema of a manifest, as kept in `schemas/json/manifest.schema.json`, with what the lists of systems and
/// layouts hold.
fn json_schema() -> String {
    let mut schema = model::system::json_schema();
    let cases: Vec<Value> = layout::all()
        .iter()
        .map(|layout| json!({ "const": layout.name(), "description": layout.doc(), "type": "string" }))
        .collect();
    if let Some(key) = schema.pointer_mut("/$defs/CorpusSection/properties/layout") {
        key["oneOf"] = Value::Array(cases);
    }
    serde_json::to_string_pretty(&schema).expect("a schema is plain JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_json_schema_is_the_generated_one() {
        let committed = include_str!("../../schemas/json/manifest.schema.json");
        assert!(
            committed.trim_end() == json_schema(),
            "schemas/json/manifest.schema.json is stale: run `just schemas`"
        );
        let schema: Value = serde_json::from_str(committed).expect("JSON");
        let layouts = &schema["$defs"]["CorpusSection"]["properties"]["layout"]["oneOf"];
        assert_eq!(layouts.as_array().map(Vec::len), Some(layout::all().len()));
    }
}

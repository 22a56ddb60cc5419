//! The JSON Schema of manifests with the keys of every system.

use schemars::generate::SchemaSettings;
use schemas::manifest::Manifest;
use schemas::manifest::train::DEFAULT_SYSTEM;
use serde_json::{Value, json};

use super::all;

/// The JSON Schema of a manifest in which `[train.model]` and `[train.objectives]` have the keys of the system that
/// `[train] system` names.
pub fn json_schema() -> Value {
    let mut generator = SchemaSettings::default().into_generator();
    let cases: Vec<Value> = all()
        .iter()
        .map(|system| {
            let [model, objectives] = (system.tables)(&mut generator);
            let mut condition = json!({ "properties": { "system": { "const": system.name } } });
            if system.name != DEFAULT_SYSTEM {
                // Without this, the condition would hold where no system is named.
                condition["required"] = json!(["system"]);
            }
            json!({
                "if": condition,
                "then": { "properties": { "model": model, "objectives": objectives } },
            })
        })
        .collect();
    let names: Vec<&str> = all().iter().map(|system| system.name).collect();
    let mut schema: Value = generator.into_root_schema_for::<Manifest>().to_value();
    if let Some(train) = schema.pointer_mut("/$defs/TrainSection") {
        train["allOf"] = Value::Array(cases);
        train["properties"]["system"]["enum"] = json!(names);
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_has_the_keys_of_every_system() {
        let schema = json_schema();
        let cases = schema["$defs"]["TrainSection"]["allOf"].as_array().expect("cases");
        assert_eq!(cases.len(), all().len());
        for case in cases {
            let reference = case["then"]["properties"]["model"]["$ref"].as_str().expect("a type");
            let name = reference.strip_prefix("#/$defs/").expect("a definition of this schema");
            assert!(schema["$defs"][name]["properties"].is_object(), "{name}");
        }
    }
}

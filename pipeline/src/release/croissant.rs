//! Croissant 1.1 metadata: every file with its hash, every table a record set.
//!
//! Two facts cost others days: the reader accepts `application/x-parquet` and no other name for
//! Parquet, and it checks hashes only of files that it streams.

use std::collections::BTreeMap;
use std::path::Path;

use arrow::datatypes::DataType;
use schemas::manifest::Manifest;
use schemas::tables::{self, Table};
use serde_json::{Value, json};

use super::error::ReleaseError;
use super::summary::{Summary, licence, title};

/// The context of the standard, verbatim: readers warn about anything else.
const CONTEXT: &str = include_str!("croissant_context.json");

fn data_type(data_type: &DataType) -> Option<&'static str> {
    match data_type {
        DataType::Utf8 => Some("sc:Text"),
        DataType::Boolean => Some("sc:Boolean"),
        DataType::Float32 | DataType::Float64 => Some("sc:Float"),
        DataType::Int8 | DataType::Int64 | DataType::UInt32 | DataType::UInt64 => {
            Some("sc:Integer")
        }
        // Lists stay in the file; record sets name the scalar columns.
        _ => None,
    }
}

fn record_set(table: &Table) -> Value {
    let name = table.name;
    let file = format!("{name}.parquet");
    let fields: Vec<Value> = (table.schema)()
        .fields()
        .iter()
        .filter_map(|field| {
            data_type(field.data_type()).map(|kind| {
                json!({
                    "@type": "cr:Field",
                    "@id": format!("{name}/{}", field.name()),
                    "name": field.name(),
                    "dataType": kind,
                    "source": {"fileObject": {"@id": file}, "extract": {"column": field.name()}}
                })
            })
        })
        .collect();
    json!({"@type": "cr:RecordSet", "@id": name, "name": name, "field": fields})
}

pub(super) fn render(
    manifest: &Manifest,
    summary: &Summary,
    building: &Path,
    sums: &BTreeMap<String, String>,
) -> Result<String, ReleaseError> {
    let mut files = Vec::new();
    for (relative, sum) in sums {
        let kind = match relative.rsplit('.').next() {
            Some("parquet") => "application/x-parquet",
            Some("arrow") => "application/vnd.apache.arrow.file",
            _ => continue,
        };
        let path = building.join(relative);
        let size =
            std::fs::metadata(&path).map_err(|source| ReleaseError::Io { path, source })?.len();
        let name = relative.rsplit('/').next().unwrap_or(relative);
        files.push(json!({
            "@type": "cr:FileObject",
            "@id": name,
            "name": name,
            "contentUrl": relative,
            "contentSize": format!("{size} B"),
            "encodingFormat": kind,
            "sha256": sum
        }));
    }
    let description = if manifest.release.description.is_empty() {
        format!(
            "{} studies of 3D volumes with radiology reports.",
            summary.studies.values().sum::<usize>()
        )
    } else {
        manifest.release.description.clone()
    };
    let metadata = json!({
        "@context": serde_json::from_str::<Value>(CONTEXT).expect("the committed context is JSON"),
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": title(manifest),
        "description": description,
        "license": licence(manifest),
        "version": manifest.release.version,
        "url": "https://example.org/set-by-the-publisher",
        "distribution": files,
        "recordSet": tables::ALL.iter().map(record_set).collect::<Vec<_>>()
    });
    let mut text = serde_json::to_string_pretty(&metadata).expect("metadata is plain data");
    text.push('\n');
    Ok(text)
}

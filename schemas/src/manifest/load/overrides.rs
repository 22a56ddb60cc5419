//! `--set KEY=VALUE`: what the command line changes of a manifest.

use super::super::origin::{ManifestError, Overrides};
use super::super::whole::Manifest;

pub(super) fn overridden(text: &str, overrides: &Overrides) -> Result<Manifest, ManifestError> {
    let mut root = toml::Value::Table(
        text.parse::<toml::Table>().expect("the text was parsed into a manifest before"),
    );
    for argument in &overrides.0 {
        let fail =
            |problem: String| ManifestError::Override { argument: argument.clone(), problem };
        let (key, value) =
            argument.split_once('=').ok_or_else(|| fail("must be written KEY=VALUE".into()))?;
        // A value that is not TOML by itself is taken as a bare string: `--set name=demo`.
        let parsed = format!("value = {value}")
            .parse::<toml::Table>()
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| toml::Value::String(value.to_owned()));
        assign(&mut root, key, parsed).map_err(&fail)?;
        // Tried after each override, so that the message names the one at fault.
        let tried: Result<Manifest, _> = root.clone().try_into();
        tried.map_err(|error: toml::de::Error| fail(format!("is refused: {}", error.message())))?;
    }
    root.try_into().map_err(|error: toml::de::Error| ManifestError::Override {
        argument: overrides.0.join(" "),
        problem: error.message().to_owned(),
    })
}

fn assign(root: &mut toml::Value, key: &str, value: toml::Value) -> Result<(), String> {
    let mut place = root;
    for part in key.split('.') {
        place = match place {
            toml::Value::Table(table) => table
                .entry(part.to_owned())
                .or_insert_with(|| toml::Value::Table(toml::Table::new())),
            toml::Value::Array(items) => {
                let count = items.len();
                part.parse::<usize>()
                    .ok()
                    .and_then(|index| items.get_mut(index))
                    .ok_or_else(|| format!("has no element `{part}`: there are {count}"))?
            }
            _ => return Err(format!("goes below a plain value at `{part}`")),
        };
    }
    *place = value;
    Ok(())
}

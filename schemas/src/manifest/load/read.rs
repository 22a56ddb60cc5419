//! Reads a manifest: its text to types, then its paths.

use std::path::Path;

use serde::Deserialize;

use super::super::origin::{ManifestError, ManifestOrigin, Overrides, syntax_error};
use super::super::whole::Manifest;
use super::overrides::overridden;
use super::{check, path as paths};

/// Reads the manifest at `path`; relative paths in it become relative to its folder.
///
/// # Errors
///
/// Any of [`ManifestError`]; all of them are for the user to mend.
pub fn load(path: &Path, overrides: &Overrides) -> Result<Manifest, ManifestError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ManifestError::Read { path: path.to_owned(), source })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut manifest = read(&path.display().to_string(), &text, folder, overrides)?;
    paths::resolve(&mut manifest)?;
    paths::check(&mut manifest)?;
    Ok(manifest)
}

/// Parses a manifest's text; `name` stands for the file in messages. Paths stay as written.
///
/// # Errors
///
/// Any of [`ManifestError`] but `Read`.
pub fn parse(name: &str, text: &str, overrides: &Overrides) -> Result<Manifest, ManifestError> {
    read(name, text, Path::new(""), overrides)
}

/// What is read of a manifest of any version.
#[derive(Deserialize)]
struct Header {
    version: u32,
}

fn read(
    name: &str,
    text: &str,
    folder: &Path,
    overrides: &Overrides,
) -> Result<Manifest, ManifestError> {
    // First the version: a key that a later version added is not a misspelt one.
    let origin = ManifestOrigin::new(name, text, folder, overrides);
    if let Ok(Header { version }) = toml::from_str(text) {
        check::version(version, &origin)?;
    }
    let manifest: Manifest =
        toml::from_str(text).map_err(|error| syntax_error(name, text, &error))?;
    let mut manifest = if overrides.0.is_empty() { manifest } else { overridden(text, overrides)? };
    manifest.origin = origin;
    check::check(&manifest)?;
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "version = 1\nname = \"t\"\n[corpus]\nlayout = \"ct-rate\"\nroot = \"c\"\n\
                        [[view]]\nname = \"mg3d\"\npreset = \"mg3d\"\n";

    fn message(text: &str, set: &[&str]) -> String {
        let overrides = Overrides(set.iter().map(|&item| item.to_owned()).collect());
        parse("m.toml", text, &overrides).expect_err("refused").to_string()
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_what_is_allowed() {
        let text = BASE.replace("root = \"c\"", "root = \"c\"\nroots = 1");
        let message = message(&text, &[]);
        assert!(message.starts_with("m.toml:6:1: unknown field `roots`"), "{message}");
        assert!(message.contains("`volumes`"), "lists what is allowed: {message}");
    }

    #[test]
    fn a_wrong_type_and_a_wrong_value_name_their_line() {
        assert!(
            message(&BASE.replace("version = 1", "version = \"x\""), &[]).contains("m.toml:1:")
        );
        let text = format!("{BASE}window = [3, 1]\n");
        assert!(message(&text, &[]).starts_with("m.toml:9: `view.0.window`"));
        assert!(
            message(&BASE.replace("version = 1", "version = 2"), &[]).contains("update radloom")
        );
        let later = BASE.replace("version = 1", "version = 2\nlater = true");
        assert!(message(&later, &[]).contains("update radloom"), "the version is judged first");
    }

    #[test]
    fn overrides_reach_into_arrays_and_say_which_one_failed() {
        let set = Overrides(vec!["view.0.spacing=[1,1,1]".into(), "name=demo".into()]);
        let manifest = parse("m.toml", BASE, &set).expect("applies");
        assert_eq!(manifest.view[0].spacing, Some([1.0, 1.0, 1.0]));
        assert_eq!(manifest.name, "demo");
        assert!(message(BASE, &["view.3.name=x"]).contains("has no element `3`"));
        assert!(message(BASE, &["corpus.rot=x"]).contains("unknown field `rot`"));
    }
}

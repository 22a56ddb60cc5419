//! The file that a manifest was read from, for what is checked after it was read.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserializer;
use serde::de::DeserializeOwned;

use super::error::ManifestError;
use super::expand::expand;
use super::overrides::Overrides;
use super::span::{line_and_column, line_of, read_at};

/// The file that a manifest was read from and what the command line changed of it.
///
/// A component that checks its own part of a manifest (a layout its name, a training system its
/// tables) reports errors through it, so that they name file, line and key like all others. Two
/// manifests are equal where they ask for the same, wherever they come from: so all origins are equal.
#[derive(Debug, Clone, Default)]
pub struct ManifestOrigin(Arc<Written>);

#[derive(Debug, Default)]
struct Written {
    /// The file as messages name it.
    name: String,
    text: String,
    folder: PathBuf,
    overrides: Overrides,
}

impl PartialEq for ManifestOrigin {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl ManifestOrigin {
    pub(in crate::manifest) fn new(
        name: &str,
        text: &str,
        folder: &Path,
        overrides: &Overrides,
    ) -> Self {
        Self(Arc::new(Written {
            name: name.to_owned(),
            text: text.to_owned(),
            folder: folder.to_owned(),
            overrides: overrides.clone(),
        }))
    }

    /// An error at the value of a dotted key; `problem` says what is wrong and what is allowed, as in
    /// ``"`x` is not a layout: available are `ct-rate` and `dicom-tree`"``.
    pub fn error(&self, key: &str, problem: impl Into<String>) -> ManifestError {
        let set = self.0.overrides.within(key);
        if let Some(argument) = set.last()
            && argument.split_once('=').is_some_and(|(set, _)| set == key)
        {
            return ManifestError::Override {
                argument: (*argument).to_owned(),
                problem: format!("is refused: {}", problem.into()),
            };
        }
        ManifestError::Value {
            path: self.0.name.clone(),
            line: line_of(&self.0.text, key),
            field: key.to_owned(),
            problem: problem.into(),
        }
    }

    /// Reads `keys`, the table at a dotted key such as `train.model`, as the type of the component
    /// that the table belongs to. The type decides what is allowed (`deny_unknown_fields`).
    ///
    /// # Errors
    ///
    /// [`ManifestError::Syntax`] with line and column where the file is at fault,
    /// [`ManifestError::Override`] where `--set` is.
    pub fn section<'de, T, D>(&self, key: &str, keys: D) -> Result<T, ManifestError>
    where
        T: DeserializeOwned,
        D: Deserializer<'de>,
        D::Error: Display,
    {
        let problem = match T::deserialize(keys) {
            Ok(section) => return Ok(section),
            Err(error) => error.to_string(),
        };
        // The text is read again only for the place of the error.
        if let Some(Err(error)) = read_at::<T>(&self.0.text, key) {
            return Err(syntax_error(&self.0.name, &self.0.text, &error));
        }
        let set = self.0.overrides.within(key);
        if set.is_empty() {
            return Err(self.error(key, format!("is refused: {problem}")));
        }
        Err(ManifestError::Override {
            argument: set.join(" --set "),
            problem: format!("is refused: {}", problem.trim_end()),
        })
    }

    /// A path that is written at a dotted key, relative to the manifest's folder and with `${NAME}`
    /// replaced by the environment variable.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Value`] where a variable is not set.
    pub fn resolve(&self, key: &str, path: &Path) -> Result<PathBuf, ManifestError> {
        let expanded =
            expand(&path.to_string_lossy()).map_err(|problem| self.error(key, problem))?;
        Ok(self.0.folder.join(expanded))
    }

    /// The folder that is written at a dotted key, resolved.
    ///
    /// # Errors
    ///
    /// As [`ManifestOrigin::resolve`], and where there is no such folder.
    pub fn existing_folder(&self, key: &str, path: &Path) -> Result<PathBuf, ManifestError> {
        let folder = self.resolve(key, path)?;
        if folder.is_dir() {
            return Ok(folder);
        }
        let problem = format!("names a folder that is not there: `{}`", folder.display());
        Err(self.error(key, problem))
    }
}

/// An error of the TOML reader whose span counts bytes of `text`.
pub(in crate::manifest) fn syntax_error(
    name: &str,
    text: &str,
    error: &toml::de::Error,
) -> ManifestError {
    let (line, column) = line_and_column(text, error.span().map_or(0, |span| span.start));
    ManifestError::Syntax {
        path: name.to_owned(),
        line,
        column,
        message: error.message().to_owned(),
        text: text.lines().nth(line - 1).unwrap_or_default().trim_end().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    const TEXT: &str = "[train]\nsteps = 3\n[train.model]\nwidth = 8\ndepht = 2\n";

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields, default)]
    struct Model {
        width: u8,
        depth: u8,
    }

    impl Default for Model {
        fn default() -> Self {
            Self { width: 4, depth: 1 }
        }
    }

    fn table(text: &str) -> toml::Table {
        text.parse().expect("is TOML")
    }

    fn origin(set: &[&str]) -> ManifestOrigin {
        let overrides = Overrides(set.iter().map(|&item| item.to_owned()).collect());
        ManifestOrigin::new("m.toml", TEXT, Path::new("runs"), &overrides)
    }

    #[test]
    fn a_table_of_a_component_is_read_strictly_and_errors_name_line_and_what_is_allowed() {
        let read = |text: &str| origin(&[]).section::<Model, _>("train.model", table(text));
        assert_eq!(read("width = 9").expect("reads"), Model { width: 9, depth: 1 });
        let message = read("width = 8\ndepht = 2").expect_err("refused").to_string();
        assert!(message.starts_with("m.toml:5:1: unknown field `depht`"), "{message}");
        assert!(message.contains("`depth`"), "lists what is allowed: {message}");
    }

    #[test]
    fn an_override_that_is_at_fault_is_named() {
        let text = TEXT.replace("depht", "depth");
        let overrides = Overrides(vec!["name=x".into(), "train.model.width=wide".into()]);
        let origin = ManifestOrigin::new("m.toml", &text, Path::new(""), &overrides);
        let keys = table("width = \"wide\"\ndepth = 2");
        let message = origin.section::<Model, _>("train.model", keys).expect_err("refused");
        let message = message.to_string();
        assert!(message.starts_with("`--set train.model.width=wide` is refused"), "{message}");
        let message = origin.error("train.model.width", "must be at most 64").to_string();
        assert!(message.contains("--set") && message.contains("at most 64"), "{message}");
    }

    #[test]
    fn values_and_paths_name_their_line() {
        let message = origin(&[]).error("train.model.width", "must be even").to_string();
        assert_eq!(message, "m.toml:4: `train.model.width` must be even");
        let found = origin(&[]).existing_folder("train.model", Path::new("nowhere"));
        let message = found.expect_err("is not there").to_string();
        assert!(message.contains("m.toml:3:") && message.contains("runs/nowhere"), "{message}");
    }
}

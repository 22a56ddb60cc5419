//! Reads a manifest: TOML to types, with file, line and field in every complaint.

use std::path::{Path, PathBuf};

use super::sections::{Manifest, SplitMethod};

/// `--set a.b.0.c=value` pairs, applied in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides(pub Vec<String>);

/// A manifest that cannot be used. Always the user's to mend; the text says where and how.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file cannot be read.
    #[error("failed to read manifest `{path}`: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The text is not TOML, a key is unknown, or a value has the wrong type.
    #[error("{path}:{line}:{column}: {message}\n  {line} | {text}")]
    Syntax {
        /// The file.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong and what is allowed.
        message: String,
        /// The line itself.
        text: String,
    },
    /// A value is of the right type but cannot be used.
    #[error("{path}:{line}: `{field}` {problem}")]
    Value {
        /// The file.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Dotted key.
        field: String,
        /// What is wrong and what is allowed.
        problem: String,
    },
    /// An override on the command line cannot be applied.
    #[error("`--set {argument}` {problem}")]
    Override {
        /// The argument as given.
        argument: String,
        /// What is wrong and what is allowed.
        problem: String,
    },
}

/// Key of the folder that the text encoder starts from.
const PRETRAINED: &str = "train.model.text.pretrained";

/// Reads the manifest at `path`; relative paths in it become relative to its folder.
///
/// # Errors
///
/// Any of [`ManifestError`]; all of them are for the user to mend.
pub fn load(path: &Path, overrides: &Overrides) -> Result<Manifest, ManifestError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ManifestError::Read { path: path.to_owned(), source })?;
    let name = path.display().to_string();
    let mut manifest = parse(&name, &text, overrides)?;
    let folder = path.parent().unwrap_or(Path::new("")).to_owned();
    let resolve = |field: &str, value: &Path| -> Result<PathBuf, ManifestError> {
        let expanded = expand(&value.to_string_lossy())
            .map_err(|problem| value_error(&name, &text, field, problem))?;
        Ok(folder.join(expanded))
    };
    manifest.corpus.root = resolve("corpus.root", &manifest.corpus.root)?;
    manifest.release.out = resolve("release.out", &manifest.release.out)?;
    if let Some(lexicon) = &manifest.report.lexicon {
        manifest.report.lexicon = Some(resolve("report.lexicon", lexicon)?);
    }
    if let Some(encoder) = &manifest.graph.encoder {
        manifest.graph.encoder = Some(resolve("graph.encoder", encoder)?);
    }
    if let Some(train) = &mut manifest.train
        && let Some(pretrained) = &train.model.text.pretrained
    {
        let folder = resolve(PRETRAINED, Path::new(pretrained))?;
        train.model.text.pretrained = Some(folder.to_string_lossy().into_owned());
    }
    check_files(&name, &text, &manifest)?;
    Ok(manifest)
}

/// Parses a manifest's text; `name` stands for the file in messages. Paths stay as written.
///
/// # Errors
///
/// Any of [`ManifestError`] but `Read`.
pub fn parse(name: &str, text: &str, overrides: &Overrides) -> Result<Manifest, ManifestError> {
    let manifest: Manifest =
        toml::from_str(text).map_err(|error| syntax_error(name, text, &error))?;
    let manifest = if overrides.0.is_empty() { manifest } else { overridden(text, overrides)? };
    check_values(name, text, &manifest)?;
    Ok(manifest)
}

fn syntax_error(name: &str, text: &str, error: &toml::de::Error) -> ManifestError {
    let start = error.span().map_or(0, |span| span.start).min(text.len());
    let before = &text[..text.floor_char_boundary(start)];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
    ManifestError::Syntax {
        path: name.to_owned(),
        line,
        column,
        message: error.message().to_owned(),
        text: text.lines().nth(line - 1).unwrap_or_default().trim_end().to_owned(),
    }
}

fn overridden(text: &str, overrides: &Overrides) -> Result<Manifest, ManifestError> {
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

fn value_error(name: &str, text: &str, field: &str, problem: impl Into<String>) -> ManifestError {
    ManifestError::Value {
        path: name.to_owned(),
        line: line_of(text, field),
        field: field.to_owned(),
        problem: problem.into(),
    }
}

/// Line of a dotted key such as `view.0.spacing`, or of the deepest table of it that is written.
fn line_of(text: &str, field: &str) -> usize {
    use toml::de::{DeTable, DeValue};

    let Ok(root) = DeTable::parse(text) else { return 1 };
    let mut at = root.span().start;
    let mut value: Option<&DeValue<'_>> = None;
    for part in field.split('.') {
        let next = match value {
            None => root.get_ref().get_key_value(part),
            Some(DeValue::Table(table)) => table.get_key_value(part),
            Some(DeValue::Array(items)) => {
                let Some(item) = part.parse::<usize>().ok().and_then(|index| items.get(index))
                else {
                    break;
                };
                at = item.span().start;
                value = Some(item.get_ref());
                continue;
            }
            Some(_) => break,
        };
        let Some((key, item)) = next else { break };
        at = key.span().start;
        value = Some(item.get_ref());
    }
    text[..text.floor_char_boundary(at.min(text.len()))].matches('\n').count() + 1
}

fn check_values(name: &str, text: &str, manifest: &Manifest) -> Result<(), ManifestError> {
    let fail = |field: &str, problem: String| Err(value_error(name, text, field, problem));
    if manifest.version != 1 {
        return fail(
            "version",
            format!("is {}, but this radloom reads version 1: update radloom", manifest.version),
        );
    }
    if manifest.view.is_empty() {
        return fail("view", "is empty: name at least one view".into());
    }
    for (index, view) in manifest.view.iter().enumerate() {
        if let Err(error) = view.resolve() {
            return fail(&format!("view.{index}.{}", error.field), error.problem);
        }
        if manifest.view[..index].iter().any(|earlier| earlier.name == view.name) {
            return fail(&format!("view.{index}.name"), format!("`{}` is used twice", view.name));
        }
    }
    let fractions = &manifest.split.fractions;
    let shares = [fractions.train, fractions.val, fractions.test];
    let sum: f64 = shares.iter().sum();
    if shares.iter().any(|share| !(0.0..=1.0).contains(share)) || (sum - 1.0).abs() > 1e-9 {
        return fail("split.fractions", format!("must be shares that sum to 1; they sum to {sum}"));
    }
    if manifest.split.method == SplitMethod::Corpus
        && manifest.corpus.layout != super::Layout::CtRate
    {
        return fail(
            "split.method",
            "`corpus` needs a layout with splits of its own (ct-rate)".into(),
        );
    }
    if manifest.shard.target_mib == 0 || manifest.shard.max_studies == 0 {
        return fail("shard", "sizes must be at least 1".into());
    }
    if !(0.0..=1.0).contains(&manifest.graph.threshold) {
        return fail("graph.threshold", "must be from 0 to 1".into());
    }
    if let Some(train) = &manifest.train
        && !manifest.view.iter().any(|view| view.name == train.view)
    {
        let names: Vec<_> = manifest.view.iter().map(|view| format!("`{}`", view.name)).collect();
        return fail(
            "train.view",
            format!("`{}` is no view of this manifest: there is {}", train.view, names.join(", ")),
        );
    }
    Ok(())
}

fn check_files(name: &str, text: &str, manifest: &Manifest) -> Result<(), ManifestError> {
    let corpus = &manifest.corpus;
    if !corpus.root.is_dir() {
        return Err(value_error(
            name,
            text,
            "corpus.root",
            format!("is no folder: `{}`", corpus.root.display()),
        ));
    }
    let files = [
        ("corpus.volumes", &corpus.volumes),
        ("corpus.reports", &corpus.reports),
        ("corpus.metadata", &corpus.metadata),
        ("corpus.labels", &corpus.labels),
        ("corpus.skip", &corpus.skip),
    ];
    for (field, paths) in files {
        for path in paths {
            let full = corpus.root.join(path);
            let found = if field == "corpus.volumes" { full.is_dir() } else { full.is_file() };
            if !found {
                let what = if field == "corpus.volumes" { "folder" } else { "file" };
                return Err(value_error(
                    name,
                    text,
                    field,
                    format!("names a {what} that is not there: `{}`", full.display()),
                ));
            }
        }
    }
    if let Some(lexicon) = &manifest.report.lexicon
        && !lexicon.is_file()
    {
        return Err(value_error(
            name,
            text,
            "report.lexicon",
            format!("names a file that is not there: `{}`", lexicon.display()),
        ));
    }
    let pretrained = manifest.train.as_ref().and_then(|train| train.model.text.pretrained.as_ref());
    let folders = [
        ("graph.encoder", manifest.graph.encoder.as_deref()),
        (PRETRAINED, pretrained.map(Path::new)),
    ];
    for (field, folder) in folders {
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            let problem = format!("names a folder that is not there: `{}`", folder.display());
            return Err(value_error(name, text, field, problem));
        }
    }
    Ok(())
}

/// Replaces `${NAME}` by the environment variable of that name.
fn expand(text: &str) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else {
            return Err("has `${` without a closing brace".into());
        };
        let variable = &rest[start + 2..start + length];
        let value = std::env::var(variable).map_err(|_| {
            format!("needs the environment variable `{variable}`, which is not set")
        })?;
        out.push_str(&rest[..start]);
        out.push_str(&value);
        rest = &rest[start + length + 1..];
    }
    out.push_str(rest);
    Ok(out)
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

    #[test]
    fn an_environment_variable_that_is_not_set_is_an_error() {
        assert!(expand("${RADLOOM_SURELY_NOT_SET}/x").expect_err("refused").contains("not set"));
        assert_eq!(expand("plain/path"), Ok("plain/path".into()));
    }
}

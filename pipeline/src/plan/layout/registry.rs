//! The list of layouts.

use schemas::manifest::{Manifest, ManifestError, SplitMethod};

use super::traits::Layout;

/// The layout among `all` that `manifest` names.
pub(super) fn of(
    all: &[&'static dyn Layout],
    manifest: &Manifest,
) -> Result<&'static dyn Layout, ManifestError> {
    let names = |wanted: &dyn Fn(&dyn Layout) -> bool| {
        let names = all.iter().filter(|layout| wanted(**layout));
        names.map(|layout| format!("`{}`", layout.name())).collect::<Vec<_>>().join(", ")
    };
    let name = manifest.corpus.layout.as_str();
    let layout = all.iter().find(|layout| layout.name() == name).ok_or_else(|| {
        let problem = format!("`{name}` is not a layout: available are {}", names(&|_| true));
        manifest.origin.error("corpus.layout", problem)
    })?;
    if manifest.split.method == SplitMethod::Corpus && !layout.has_splits() {
        let with_splits = names(&|layout| layout.has_splits());
        let problem = format!(
            "`corpus` needs a layout that names splits, and `{name}` does not: use {with_splits}, or `hash`"
        );
        return Err(manifest.origin.error("split.method", problem));
    }
    Ok(*layout)
}

/// Declares the modules of the layouts and the list of them.
macro_rules! layouts {
    ($($module:ident::$layout:ident),+ $(,)?) => {
        $(mod $module;)+

        /// Every layout, in the order of the list.
        pub fn all() -> &'static [&'static dyn Layout] {
            &[$(&$module::$layout),+]
        }

        /// The layout that `manifest` names.
        ///
        /// # Errors
        ///
        /// [`ManifestError`](schemas::manifest::ManifestError) where there is none of the name, or its splits are asked
        /// for and it has none.
        pub fn of(
            manifest: &schemas::manifest::Manifest,
        ) -> Result<&'static dyn Layout, schemas::manifest::ManifestError> {
            registry::of(all(), manifest)
        }
    };
}
pub(super) use layouts;

#[cfg(test)]
mod tests {
    use schemas::manifest::{Manifest, Overrides, parse};

    use super::super::{Layout, all, of};

    fn manifest(layout: &str, split: &str) -> Manifest {
        let text = format!(
            "version = 1\nname = \"t\"\n[corpus]\nlayout = \"{layout}\"\nroot = \".\"\n[[view]]\nname = \"v\"\n\
             preset = \"mg3d\"\n[split]\nmethod = \"{split}\"\n"
        );
        parse("m.toml", &text, &Overrides::default()).expect("parses")
    }

    #[test]
    fn a_layout_is_found_by_its_name_and_errors_say_where_and_what_there_is() {
        for layout in all() {
            let found = of(&manifest(layout.name(), "hash")).map(Layout::name);
            assert_eq!(found.ok(), Some(layout.name()));
            assert_eq!(of(&manifest(layout.name(), "corpus")).is_ok(), layout.has_splits());
        }
        let message = |layout, split| {
            of(&manifest(layout, split)).err().map(|error| error.to_string()).unwrap_or_default()
        };
        let unknown = message("unheard-of", "hash");
        assert!(unknown.starts_with("m.toml:4:"), "{unknown}");
        assert!(unknown.contains("`ct-rate`, `dicom-tree`"), "{unknown}");
        let splits = message("dicom-tree", "corpus");
        assert!(splits.starts_with("m.toml:10:") && splits.contains("`ct-rate`"), "{splits}");
    }
}

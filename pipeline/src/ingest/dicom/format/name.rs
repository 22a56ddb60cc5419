//! Names of files in messages.

use std::path::Path;

/// The last part of a path, for messages.
pub(crate) fn file_name(path: &Path) -> String {
    crate::files::path_text(path.file_name().map_or(path, Path::new))
}

/// Two files for one message: their names, with the folders that they do not share where those differ.
pub(crate) fn pair_of_names(a: &Path, b: &Path) -> (String, String) {
    if a.parent() == b.parent() {
        return (file_name(a), file_name(b));
    }
    let shared = a.components().zip(b.components()).take_while(|(a, b)| a == b).count();
    let rest = |path: &Path| {
        crate::files::path_text(&path.components().skip(shared).collect::<std::path::PathBuf>())
    };
    (rest(a), rest(b))
}

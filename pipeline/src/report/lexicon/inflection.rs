//! Other forms of the words of a phrase.

/// Regular English plurals of the phrase's last word, and the Latin ones of `-is` and `-x`.
pub(crate) fn plurals(phrase: &str) -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    if let Some(stem) = phrase.strip_suffix("is") {
        found.push(format!("{stem}es"));
    } else if let Some(stem) = phrase.strip_suffix('y') {
        if stem.ends_with(['a', 'e', 'o', 'u']) {
            found.push(format!("{phrase}s"));
        } else {
            found.push(format!("{stem}ies"));
        }
    } else if phrase.ends_with(['x', 's']) || phrase.ends_with("ch") || phrase.ends_with("sh") {
        found.push(format!("{phrase}es"));
    } else if phrase.ends_with(|c: char| c.is_ascii_lowercase()) {
        found.push(format!("{phrase}s"));
    }
    found.into_iter()
}

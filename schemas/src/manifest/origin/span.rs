//! Where in a manifest's text something is written.

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// Line of a dotted key such as `view.0.spacing`, or of the deepest table of it that is written.
pub(super) fn line_of(text: &str, key: &str) -> usize {
    let Ok(root) = DeTable::parse(text) else { return 1 };
    let mut at = root.span().start;
    let mut value: Option<&DeValue<'_>> = None;
    for part in key.split('.') {
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
    line_and_column(text, at).0
}

/// Line and column of a byte, both from 1.
pub(super) fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(at.min(text.len()))];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
    (line, column)
}

/// Reads the value of a dotted key out of the text; none where the key is not written. Errors know
/// where in the text they are.
pub(super) fn read_at<T: DeserializeOwned>(
    text: &str,
    key: &str,
) -> Option<Result<T, toml::de::Error>> {
    let root = DeTable::parse(text).ok()?;
    let span = root.span();
    let mut value = Spanned::new(span, DeValue::Table(root.into_inner()));
    for part in key.split('.') {
        value = match value.into_inner() {
            DeValue::Table(mut table) => table.remove(part)?,
            DeValue::Array(items) => {
                let index = part.parse::<usize>().ok()?;
                items.into_iter().nth(index)?
            }
            _ => return None,
        };
    }
    Some(T::deserialize(ValueDeserializer::from(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a = 1\n[b]\nc = [\n  { d = 2 },\n  { d = \"x\" },\n]\n";

    #[test]
    fn a_key_is_found_by_its_line_and_a_missing_one_by_the_table_above_it() {
        for (key, line) in [("a", 1), ("b", 2), ("b.c", 3), ("b.c.1.d", 5), ("b.e", 2), ("f", 1)] {
            assert_eq!(line_of(TEXT, key), line, "{key}");
        }
    }

    #[test]
    fn a_nested_value_is_read_by_its_key() {
        assert_eq!(read_at::<u8>(TEXT, "b.c.0.d").expect("is written").expect("reads"), 2);
        assert!(read_at::<u8>(TEXT, "b.c.7.d").is_none());
        let error = read_at::<u8>(TEXT, "b.c.1.d").expect("is written").expect_err("a text");
        assert_eq!(line_and_column(TEXT, error.span().expect("has one").start), (5, 9));
    }
}

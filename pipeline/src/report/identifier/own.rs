//! The identifiers that a study is stored under, in the ways a text may write them.

use super::words::{Word, words};
use crate::report::text::{WordList, WordLists};

/// Identifiers shorter than this stand in too many texts by chance.
const SHORTEST: usize = 4;

/// Limits of the study's own identifiers in the words of a text.
pub(super) fn own_identifiers(
    lists: &WordLists,
    found: &[Word<'_>],
    own: &[&str],
) -> Vec<(usize, usize)> {
    let mut hits = Vec::new();
    for name in own.iter().flat_map(|name| wordings(lists, name)) {
        for window in found.windows(name.len()) {
            let same =
                window.iter().zip(&name).all(|(word, part)| word.text.to_lowercase() == *part);
            if let (true, Some(first), Some(last)) = (same, window.first(), window.last()) {
                hits.push((first.start, last.end));
            }
        }
    }
    hits
}

/// How an identifier may stand in a text, word by word: a person's name (PS3.5 section 6.2.1) in either
/// order, a date (`YYYYMMDD`) in the ways dates are written, others as they are. None for what is too
/// short, or stands in place of a name.
fn wordings(lists: &WordLists, identifier: &str) -> Vec<Vec<String>> {
    let parts = parts(identifier);
    let length: usize = parts.iter().map(String::len).sum();
    if length < SHORTEST || parts.iter().all(|part| lists.has(WordList::AnonymisedName, part)) {
        return Vec::new();
    }
    if let Some(date) = date_wordings(lists, identifier) {
        return date;
    }
    let mut wordings = vec![parts.clone()];
    if identifier.contains('^') && parts.len() > 1 {
        let mut given_first = parts;
        given_first.swap(0, 1);
        wordings.push(given_first);
    }
    wordings
}

fn date_wordings(lists: &WordLists, identifier: &str) -> Option<Vec<Vec<String>>> {
    if identifier.len() != 8 || !identifier.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, rest) = identifier.split_at(4);
    let (month, day) = rest.split_at(2);
    let months = lists.words(WordList::Month);
    let name = months.get(month.parse::<usize>().ok()?.checked_sub(1)?)?.as_str();
    let number = |part: &str| part.parse::<u16>().ok();
    if !(1900..2100).contains(&number(year)?) || !(1..32).contains(&number(day)?) {
        return None;
    }
    let mut found = vec![vec![identifier.to_owned()]];
    for pad in [true, false] {
        let [month, day] =
            [month, day].map(|part| if pad { part } else { part.trim_start_matches('0') });
        for order in [[year, month, day], [day, month, year], [month, day, year]] {
            found.push(order.map(str::to_owned).to_vec());
        }
        for month in [name, name.get(..3).unwrap_or(name)] {
            for order in [[day, month, year], [month, day, year]] {
                found.push(order.map(str::to_owned).to_vec());
            }
        }
    }
    Some(found)
}

fn parts(name: &str) -> Vec<String> {
    words(name).iter().map(|word| word.text.to_lowercase()).collect()
}

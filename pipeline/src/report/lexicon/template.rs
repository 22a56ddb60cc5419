//! Phrases with alternatives: `not {|been |be }{seen|found}` stands for six phrases.

/// The most phrases one template may stand for.
const MAX_PHRASES: usize = 4096;

/// Every phrase that a template stands for, in order; `None` when a brace is not closed or the
/// phrases are too many. Braces do not nest.
pub(crate) fn expand(template: &str) -> Option<Vec<String>> {
    let mut phrases = vec![String::new()];
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let close = open + rest.get(open..)?.find('}')?;
        let plain = rest.get(..open)?;
        let choices: Vec<&str> = rest.get(open + 1..close)?.split('|').collect();
        if phrases.len() * choices.len() > MAX_PHRASES {
            return None;
        }
        phrases = phrases
            .iter()
            .flat_map(|phrase| choices.iter().map(move |choice| format!("{phrase}{plain}{choice}")))
            .collect();
        rest = rest.get(close + 1..)?;
    }
    for phrase in &mut phrases {
        phrase.push_str(rest);
    }
    Some(phrases)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_multiply() {
        assert_eq!(expand("no change").as_deref(), Some(&["no change".to_owned()][..]));
        let found = expand("not {|been |be }{seen|found} here").expect("a valid template");
        assert_eq!(found.len(), 6);
        assert_eq!(found[0], "not seen here");
        assert_eq!(found[5], "not be found here");
        assert_eq!(expand("not {seen"), None);
        assert_eq!(expand(&"{a|b}".repeat(20)), None);
    }
}

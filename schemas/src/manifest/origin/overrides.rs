//! `--set KEY=VALUE`, as given.

/// `--set a.b.0.c=value` pairs, applied in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides(pub Vec<String>);

impl Overrides {
    /// The arguments that reach the table of `key` or something in it.
    pub(super) fn within(&self, key: &str) -> Vec<&str> {
        let reaches = |argument: &str| {
            let set = argument.split_once('=').map_or(argument, |(set, _)| set);
            let below = |inner: &str, outer: &str| {
                inner
                    .strip_prefix(outer)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            below(set, key) || below(key, set)
        };
        self.0.iter().map(String::as_str).filter(|argument| reaches(argument)).collect()
    }
}

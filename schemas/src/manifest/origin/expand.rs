//! Environment variables in paths.

/// Replaces `${NAME}` by the environment variable of that name.
pub(in crate::manifest) fn expand(text: &str) -> Result<String, String> {
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

    #[test]
    fn an_environment_variable_that_is_not_set_is_an_error() {
        assert!(expand("${RADLOOM_SURELY_NOT_SET}/x").expect_err("refused").contains("not set"));
        assert_eq!(expand("plain/path"), Ok("plain/path".into()));
    }
}

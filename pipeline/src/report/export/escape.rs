//! Text as HTML.

/// Text as it must stand in HTML, in an attribute, too.
pub fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

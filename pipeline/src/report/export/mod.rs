//! A parsed report in other forms: JSON, `RadGraph`, an HTML page with the graph as a picture, and one
//! text per organ.

mod curve;
mod diagram;
mod escape;
mod html;
mod json;
mod layout;
mod organ_texts;
mod radgraph;

pub use diagram::{DIAGRAM_STYLE, DiagramEdge, DiagramNode, diagram};
pub use escape::escape_html;
pub use html::to_html;
pub use json::{to_json, to_json_line};
pub use organ_texts::organ_texts;
pub use radgraph::to_radgraph;

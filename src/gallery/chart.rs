//! The loss curve as SVG.

use std::fmt::Write as _;

use serde_json::Value;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 220.0;
const MARGIN: f64 = 44.0;

/// Total loss against step; empty where nothing was trained.
pub(super) fn loss(steps: &[Value]) -> String {
    let points: Vec<(f64, f64)> = steps
        .iter()
        .filter_map(|line| Some((line["step"].as_f64()?, line["loss"].as_f64()?)))
        .collect();
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return String::new();
    };
    let low = points.iter().map(|point| point.1).fold(f64::INFINITY, f64::min);
    let high = points.iter().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
    let (low, high) = if high > low { (low, high) } else { (low - 0.5, low + 0.5) };
    let span = (last.0 - first.0).max(1.0);
    let x = |step: f64| MARGIN + (step - first.0) / span * (WIDTH - 2.0 * MARGIN);
    let y = |value: f64| HEIGHT - MARGIN - (value - low) / (high - low) * (HEIGHT - 2.0 * MARGIN);
    let mut path = String::new();
    for (index, point) in points.iter().enumerate() {
        let command = if index == 0 { 'M' } else { 'L' };
        write!(path, "{command}{:.1} {:.1} ", x(point.0), y(point.1))
            .expect("writing to a string does not fail");
    }
    let bottom = HEIGHT - MARGIN;
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"training loss\">\
         <path d=\"M{MARGIN} {MARGIN} V{bottom} H{}\" class=\"axis\"/>\
         <path d=\"{path}\" class=\"curve\"/>\
         <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{high:.3}</text>\
         <text x=\"{}\" y=\"{bottom}\" text-anchor=\"end\">{low:.3}</text>\
         <text x=\"{MARGIN}\" y=\"{}\">step {}</text>\
         <text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text></svg>",
        WIDTH - MARGIN,
        MARGIN - 6.0,
        MARGIN + 4.0,
        MARGIN - 6.0,
        bottom + 18.0,
        first.0,
        WIDTH - MARGIN,
        bottom + 18.0,
        last.0
    )
}

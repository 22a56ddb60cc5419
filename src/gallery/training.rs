//! The loss curve and the table of metrics.

use pipeline::report::escape_html;
use serde_json::Value;

use super::chart;
use super::collect::Extras;

/// What was trained and measured as HTML; empty where nothing was.
pub(super) fn render(extras: &Extras) -> String {
    let mut html = String::new();
    let curve = chart::loss(&extras.steps);
    if !curve.is_empty() {
        html += &format!("<h2>Training loss</h2>{curve}\n");
    }
    if let Some(evaluation) = &extras.evaluation {
        html += &table(evaluation);
    }
    html
}

/// The metrics of an evaluation. Those without a value are listed too, folded away, with the reason: a table that left
/// them out would read as if they had never been asked for.
fn table(evaluation: &Value) -> String {
    let mut rows = String::new();
    for (name, metric) in evaluation["metrics"].as_object().into_iter().flatten() {
        rows += &format!(
            "<tr><td>{}<td>{}<td>{} – {}<td>{}</tr>\n",
            escape_html(name),
            number(&metric["value"]),
            number(&metric["low"]),
            number(&metric["high"]),
            metric["n"]
        );
    }
    let mut skipped_rows = String::new();
    let skipped = evaluation["skipped"].as_array().map(Vec::as_slice).unwrap_or_default();
    for skipped in skipped {
        let text = |key: &str| escape_html(skipped[key].as_str().unwrap_or_default());
        skipped_rows +=
            &format!("<tr><td>{}<td>{}<td>{}</tr>\n", text("metric"), text("reason"), skipped["n"]);
    }
    let mut html = String::new();
    if !rows.is_empty() {
        html += &format!(
            "<table><tr><th>metric<th>value<th>95 % interval<th>studies</tr>\n{rows}</table>\n"
        );
    }
    if !skipped.is_empty() {
        html += &format!(
            "<details><summary>Metrics without a value: {}</summary>\n\
             <table><tr><th>metric<th>reason<th>studies</tr>\n{skipped_rows}</table></details>\n",
            skipped.len()
        );
    }
    if html.is_empty() { html } else { format!("<h2>Evaluation</h2>{html}") }
}

fn number(value: &Value) -> String {
    value.as_f64().map_or("–".into(), |number| format!("{number:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_without_a_value_is_listed_with_its_reason_and_not_as_a_number() {
        let evaluation = serde_json::json!({
            "metrics": { "recall@1": { "value": 0.5, "low": 0.25, "high": 0.75, "n": 40 } },
            "skipped": [{ "metric": "auroc/nodule", "reason": "not estimable: 2 positives & 38 negatives", "n": 40 }],
        });
        let html = render(&Extras { evaluation: Some(evaluation), ..Extras::default() });
        assert!(html.contains("<td>recall@1<td>0.500<td>0.250 – 0.750<td>40"), "{html}");
        let row = html.lines().find(|line| line.contains("auroc/nodule")).expect("is listed");
        assert!(row.contains("not estimable: 2 positives &amp; 38"), "{row}");
        assert_eq!(render(&Extras::default()), "");
    }
}

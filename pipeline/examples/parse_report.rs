//! Parses a report and prints its graph: `cargo run -p radloom-pipeline --example parse_report -- "No pleural effusion."`

#![expect(clippy::print_stdout, reason = "an example shows what it reads")]

use std::error::Error;

use radloom_pipeline::ingest::ReportDocument;
use radloom_pipeline::report::ReportParser;

fn main() -> Result<(), Box<dyn Error>> {
    let text = std::env::args().nth(1).ok_or("give the text of a report")?;
    let parser = ReportParser::builtin()?;
    let document = ReportDocument::from_text("report", text);
    let report = parser.parse(&document);
    for node in &report.nodes {
        println!("{:24} {:?}, by the rule {}", node.concept, node.assertion, node.rule.name());
    }
    println!("{} sentences, {} edges", report.sentences.len(), report.edges.len());
    Ok(())
}

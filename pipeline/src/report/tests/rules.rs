//! Every rule fires on its example and not on its counter-example.

use std::collections::BTreeSet;

use super::parse;
use crate::report::{Rule, RuleHits, rules};

fn fired(text: &str) -> BTreeSet<&'static str> {
    let report = parse(text);
    let nodes = report.nodes.iter().map(|node| node.rule.name());
    nodes.chain(report.edges.iter().map(|edge| edge.rule.name())).collect()
}

#[test]
fn every_rule_has_an_example_that_fires_it_and_one_that_does_not() {
    let mut wrong = Vec::new();
    for info in rules() {
        let (id, example, spared) = (info.rule.name(), info.example, info.counter_example);
        if !fired(example).contains(id) {
            wrong.push(format!("{id} does not fire in: {example}: {:?}", fired(example)));
        }
        if fired(spared).contains(id) || parse(spared).nodes.is_empty() {
            wrong.push(format!("{id} fires, or nothing is found, in: {spared}"));
        }
        assert!(!info.rule.doc().is_empty() && info.file.contains(".rs"), "{id}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn rules_are_listed_once_and_in_the_order_of_the_enum() {
    let listed: Vec<Rule> = rules().iter().map(|info| info.rule).collect();
    assert_eq!(listed, Rule::ALL);
    let names: BTreeSet<&str> = listed.iter().map(|rule| rule.name()).collect();
    assert_eq!(names.len(), listed.len());
}

#[test]
fn hits_are_nodes_and_edges_by_rule() {
    let report = parse("A 5 mm nodule. No effusion. No mass.");
    let mut hits = RuleHits::default();
    report.add_rule_hits(&mut hits);
    assert_eq!(hits.of(Rule::NegatedForward), 2);
    assert_eq!(hits.of(Rule::Measurement), 2, "the size and its edge");
    assert_eq!(hits.of(Rule::Resolved), 0);
    let mut twice = hits.clone();
    twice.merge(&hits);
    assert_eq!(twice.of(Rule::NegatedForward), 4);
}

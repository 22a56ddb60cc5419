//! Finds where findings are: `located_at` edges from word order.

use super::gap::{LONGEST_LIST, gap, is_anatomy, is_contrasted, is_finding};
use super::heads::{ClauseHeads, LocalEdge};
use crate::report::lexicon::Lexicon;
use crate::report::mention::Analysis;
use crate::report::parsed::{NodeKind, Relation};
use crate::report::rule::Rule;
use crate::report::text::{Class, WordList};

/// A finding and what stands around it.
struct Finding<'a> {
    lexicon: &'a Lexicon,
    analysis: &'a Analysis,
    clause_heads: &'a ClauseHeads,
    clause: usize,
    /// The heads of the clause; the finding is the one at `position`.
    heads: &'a [usize],
    position: usize,
    mention: usize,
}

/// Gives the places of a finding, in view of those that the rules before gave.
type PlaceRule = fn(&Finding<'_>, found: &[(usize, Rule)]) -> Vec<usize>;

/// The rules in their order.
const PLACE_RULES: &[(Rule, PlaceRule)] = &[
    (Rule::Attribute, |f, _| attribute_places(f.analysis, f.heads, f.position)),
    (Rule::Preposition, |f, _| places_after(f.analysis, f.heads, f.position)),
    (Rule::Preposition, listed_with),
    (Rule::Opening, opening),
    (Rule::EarlierClause, of_earlier_clause),
];

/// Places the findings of a clause.
pub(crate) fn locate(
    lexicon: &Lexicon,
    analysis: &Analysis,
    clause_heads: &ClauseHeads,
    clause: usize,
    edges: &mut Vec<LocalEdge>,
) {
    let heads = clause_heads.of(clause);
    for (position, &finding) in heads.iter().enumerate() {
        if !is_finding(analysis, finding) {
            continue;
        }
        let around =
            Finding { lexicon, analysis, clause_heads, clause, heads, position, mention: finding };
        let mut found: Vec<(usize, Rule)> = Vec::new();
        for &(rule, places) in PLACE_RULES {
            let places = places(&around, &found).into_iter();
            let places = places.filter(|&place| !is_contrasted(analysis, place));
            found.extend(places.map(|place| (place, rule)).collect::<Vec<_>>());
        }
        edges.extend(found.iter().map(|&(place, rule)| LocalEdge {
            source: finding,
            target: place,
            relation: Relation::LocatedAt,
            rule,
        }));
    }
}

/// `Thickening of bands and interlobular septa`: the place that is listed with what the finding is of.
fn listed_with(around: &Finding<'_>, found: &[(usize, Rule)]) -> Vec<usize> {
    let &Finding { analysis, heads, position, mention: finding, .. } = around;
    let (Some(&other), Some(&place)) = (heads.get(position + 1), heads.get(position + 2)) else {
        return Vec::new();
    };
    let (led, joint) = (gap(analysis, finding, other), gap(analysis, other, place));
    let listed = led.prepositions == 1
        && led.length <= 2
        && joint.conjunctions == 1
        && joint.length <= 2
        && joint.prepositions + joint.words == 0;
    let holds = found.is_empty()
        && is_finding(analysis, other)
        && is_anatomy(analysis, place)
        && listed
        && !starts_next_finding(analysis, heads, position + 2, other);
    if holds { vec![place] } else { Vec::new() }
}

/// The places that open the clause, where a preposition introduces them or nothing else is known.
fn opening(around: &Finding<'_>, found: &[(usize, Rule)]) -> Vec<usize> {
    let (places, prepositional) = opening_places(around.analysis, around.heads, around.position);
    if found.is_empty() || prepositional { places } else { Vec::new() }
}

/// The places of an earlier clause; a finding that names its organ only takes a part of that organ.
fn of_earlier_clause(around: &Finding<'_>, found: &[(usize, Rule)]) -> Vec<usize> {
    let &Finding { lexicon, analysis, mention: finding, .. } = around;
    if !found.is_empty() {
        return Vec::new();
    }
    let own_place = analysis
        .mentions
        .get(finding)
        .and_then(|m| lexicon.concepts.get(m.concept))
        .is_some_and(|concept| concept.has_organ);
    earlier_places(analysis, around.clause_heads, around.clause)
        .filter(|&place| !own_place || same_organ(lexicon, analysis, finding, place))
        .collect()
}

/// Whether the place is part of the organ that the finding's own concept names.
fn same_organ(lexicon: &Lexicon, analysis: &Analysis, finding: usize, place: usize) -> bool {
    let concept = |mention: usize| analysis.mentions.get(mention).map(|m| m.concept);
    let ancestors = |mention: usize| {
        concept(mention)
            .and_then(|concept| lexicon.concepts.get(concept))
            .map(|concept| concept.ancestors.as_slice())
            .unwrap_or_default()
    };
    let own =
        ancestors(finding).iter().find(|&&ancestor| lexicon.kind(ancestor) == NodeKind::Anatomy);
    own.is_some_and(|organ| ancestors(place).contains(organ))
}

/// `hilar and axillary lymph nodes`: the anatomies right before a finding.
fn attribute_places(analysis: &Analysis, heads: &[usize], position: usize) -> Vec<usize> {
    let mut places = Vec::new();
    let mut right = position;
    while right > 0 && places.len() < LONGEST_LIST {
        let (Some(&left_head), Some(&right_head)) = (heads.get(right - 1), heads.get(right)) else {
            break;
        };
        let gap = gap(analysis, left_head, right_head);
        let joined = if places.is_empty() {
            gap.is_attribute() || gap.is_shared_attribute() && is_bare(analysis, left_head)
        } else {
            gap.is_list() && (gap.commas + gap.conjunctions == 0 || is_bare(analysis, left_head))
        };
        if !is_anatomy(analysis, left_head) || !joined {
            break;
        }
        places.push(left_head);
        right -= 1;
    }
    places
}

/// Whether no preposition or article stands before the anatomy: `pleural and pericardial effusion`,
/// but not `nodules in the lung and pericardial effusion`.
fn is_bare(analysis: &Analysis, anatomy: usize) -> bool {
    let Some(first) = analysis.mentions.get(anatomy).map(|m| m.first) else { return false };
    let before = first.checked_sub(1).and_then(|at| analysis.tokens.get(at));
    before
        .is_none_or(|token| token.class != Class::Preposition && !token.is(WordList::DefinitePlace))
}

/// `nodule and cyst in the upper lobe and the lingula`: the anatomies after a finding.
fn places_after(analysis: &Analysis, heads: &[usize], position: usize) -> Vec<usize> {
    let mut at = position;
    let mut places = Vec::new();
    // Findings listed after this one share the place.
    while let (Some(&left), Some(&right)) = (heads.get(at), heads.get(at + 1)) {
        let listed = gap(analysis, left, right).is_finding_list();
        if !is_finding(analysis, right) || !listed || at - position >= LONGEST_LIST {
            break;
        }
        at += 1;
    }
    if let (Some(&left), Some(&place)) = (heads.get(at), heads.get(at + 1))
        && is_anatomy(analysis, place)
        && (gap(analysis, left, place).leads_to_place()
            || trails(analysis, heads, at, place)
            || is_apposed(analysis, heads, at))
        && !starts_next_finding(analysis, heads, at + 1, left)
    {
        places.push(place);
        at += 1;
        while let (Some(&left), Some(&right)) = (heads.get(at), heads.get(at + 1)) {
            let chained = is_anatomy(analysis, right)
                && gap(analysis, left, right).is_list()
                && !starts_next_finding(analysis, heads, at + 1, left);
            if !chained || places.len() >= LONGEST_LIST {
                break;
            }
            places.push(right);
            at += 1;
        }
    }
    places
}

/// `Atelectasis left lung base.`: a place that follows its finding without a preposition and ends
/// the phrase.
fn trails(analysis: &Analysis, heads: &[usize], at: usize, place: usize) -> bool {
    let Some(&finding) = heads.get(at) else { return false };
    let direct = gap(analysis, finding, place).is_attribute();
    let next_attribute = heads.get(at + 2).is_some_and(|&next| {
        !is_anatomy(analysis, next) && gap(analysis, place, next).is_attribute()
    });
    direct && !next_attribute
}

/// `Nodule, right upper lobe.`, `mass, 3.2 cm, right hilum`: a place set off by a comma that ends a statement without a
/// verb, in which nothing leads to the finding.
fn is_apposed(analysis: &Analysis, heads: &[usize], at: usize) -> bool {
    const WORDS: usize = 5;
    let (Some(&finding), Some(&place)) = (heads.get(at), heads.get(at + 1)) else { return false };
    let gap = gap(analysis, finding, place);
    let set_off = gap.commas > 0
        && gap.verbs + gap.prepositions + gap.relatives + gap.marks + gap.conjunctions == 0
        && gap.words <= WORDS;
    let (Some(finding), Some(last)) = (analysis.mentions.get(finding), heads.get(at + 1..)) else {
        return false;
    };
    let run = last.iter().take_while(|&&m| is_anatomy(analysis, m)).last();
    let Some(end) = run.and_then(|&m| analysis.mentions.get(m)).map(|m| m.last) else {
        return false;
    };
    let Some(clause) = analysis.clauses.get(finding.clause) else { return false };
    let class = |at: usize| analysis.tokens.get(at).map(|token| token.class);
    let leads = |at: usize| matches!(class(at), Some(Class::Preposition | Class::Relative));
    set_off
        && clause.verbs.is_empty()
        && !(clause.first..finding.first).any(leads)
        && matches!(
            class(end),
            None | Some(Class::Comma | Class::Semicolon | Class::Mark | Class::Open)
        )
}

/// Whether the anatomy at `at` is the attribute of the finding after it, set off from `left` by a
/// comma or `and` (`nodule in the lung and hepatic cyst`).
fn starts_next_finding(analysis: &Analysis, heads: &[usize], at: usize, left: usize) -> bool {
    let (Some(&anatomy), Some(&next)) = (heads.get(at), heads.get(at + 1)) else { return false };
    let before = gap(analysis, left, anatomy);
    is_finding(analysis, next)
        && gap(analysis, anatomy, next).is_attribute()
        && before.commas + before.conjunctions > 0
}

/// The anatomies that stand first in the clause, and whether a preposition introduces them.
fn opening_places(analysis: &Analysis, heads: &[usize], position: usize) -> (Vec<usize>, bool) {
    let before = heads.get(..position).unwrap_or_default();
    let Some(from) = before.iter().rposition(|&m| is_anatomy(analysis, m)) else {
        return (Vec::new(), false);
    };
    let mut places = Vec::new();
    let mut at = from;
    while let Some(&place) = before.get(at) {
        places.push(place);
        let Some(&left) = at.checked_sub(1).and_then(|left| before.get(left)) else { break };
        if !is_anatomy(analysis, left)
            || !gap(analysis, left, place).is_list()
            || places.len() >= LONGEST_LIST
        {
            break;
        }
        at -= 1;
    }
    let first = before.get(at).and_then(|&m| analysis.mentions.get(m));
    let clause_start =
        first.and_then(|m| analysis.clauses.get(m.clause)).map_or(0, |clause| clause.first);
    let prepositional = at == 0
        && first.is_some_and(|m| {
            analysis
                .tokens
                .get(clause_start..m.first)
                .unwrap_or_default()
                .iter()
                .take(4)
                .any(|token| token.class == Class::Preposition)
        });
    (places, prepositional)
}

/// The last run of anatomies in the nearest earlier clause that has any.
fn earlier_places(
    analysis: &Analysis,
    clause_heads: &ClauseHeads,
    clause: usize,
) -> impl Iterator<Item = usize> {
    let mut places = Vec::new();
    for heads in (0..clause).rev().take(LONGEST_LIST).map(|earlier| clause_heads.of(earlier)) {
        if let Some(from) = heads.iter().rposition(|&m| is_anatomy(analysis, m)) {
            let run = heads.get(..=from).unwrap_or_default().iter().rev();
            places.extend(run.take_while(|&&m| is_anatomy(analysis, m)).take(LONGEST_LIST));
            break;
        }
    }
    places.into_iter()
}

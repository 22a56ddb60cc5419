//! Draws the edges of one sentence by word order: what modifies what, where findings are, what
//! they suggest, and what was measured.

use std::ops::Range;

use super::gap::{LONGEST_LIST, WIDEST_GAP, gap, is_anatomy, is_finding, kind};
use super::lexicon::Lexicon;
use super::mention::Analysis;
use super::organ::ORGANS;
use super::place::locate;
use super::token::Class;
use super::types::{Change, NodeKind, Relation, Side};

/// An edge between two mentions of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LocalEdge {
    pub(super) source: usize,
    pub(super) target: usize,
    pub(super) relation: Relation,
    pub(super) rule: &'static str,
}

/// The edges of a sentence and, for each size, the mention it measures.
pub(super) struct Relations {
    pub(super) edges: Vec<LocalEdge>,
    pub(super) measured: Vec<Option<usize>>,
}

/// Relates the mentions of a sentence and completes their sides.
pub(super) fn relate(lexicon: &Lexicon, analysis: &mut Analysis) -> Relations {
    let mut edges = Vec::new();
    let clauses = analysis.clauses.len();
    for clause in 0..clauses {
        modify(lexicon, analysis, members(analysis, clause), &mut edges);
    }
    let heads = ClauseHeads::new(analysis);
    for clause in 0..clauses {
        share_sides(lexicon, analysis, heads.of(clause));
    }
    lend_sides(lexicon, analysis);
    for clause in 0..clauses {
        locate(lexicon, analysis, &heads, clause, &mut edges);
    }
    suggest(analysis, &mut edges);
    place_suggested(analysis, &mut edges);
    side_from_places(analysis, &edges);
    side_from_neighbour(lexicon, analysis);
    let measured = analysis.sizes.iter().map(|sized| measure(analysis, sized.token, sized.clause));
    let measured: Vec<Option<usize>> = measured.collect();
    change_from_sizes(analysis, &measured);
    edges.sort();
    edges.dedup_by_key(|edge| (edge.source, edge.target, edge.relation));
    Relations { edges, measured }
}

/// The mentions of a clause in text order; mentions are sorted by place and so by clause.
fn members(analysis: &Analysis, clause: usize) -> Range<usize> {
    let begin = analysis.mentions.partition_point(|m| m.clause < clause);
    let end = analysis.mentions.partition_point(|m| m.clause <= clause);
    begin..end
}

/// The mentions that are no modifiers, by clause.
pub(super) struct ClauseHeads {
    all: Vec<usize>,
    /// For each clause, where its heads end in `all`.
    ends: Vec<usize>,
}

impl ClauseHeads {
    fn new(analysis: &Analysis) -> Self {
        let mut heads = Self {
            all: Vec::with_capacity(analysis.mentions.len()),
            ends: Vec::with_capacity(analysis.clauses.len()),
        };
        for clause in 0..analysis.clauses.len() {
            let own = members(analysis, clause);
            heads.all.extend(own.filter(|&m| kind(analysis, m) != Some(NodeKind::Modifier)));
            heads.ends.push(heads.all.len());
        }
        heads
    }

    /// The heads of one clause in text order.
    pub(super) fn of(&self, clause: usize) -> &[usize] {
        let end = self.ends.get(clause).copied().unwrap_or_default();
        let start = clause.checked_sub(1).and_then(|before| self.ends.get(before)).copied();
        self.all.get(start.unwrap_or_default()..end).unwrap_or_default()
    }
}

/// Links modifiers to the noun after them, or else before them.
fn modify(
    lexicon: &Lexicon,
    analysis: &mut Analysis,
    members: Range<usize>,
    edges: &mut Vec<LocalEdge>,
) {
    for modifier in members.clone() {
        if kind(analysis, modifier) != Some(NodeKind::Modifier) {
            continue;
        }
        let side = analysis
            .mentions
            .get(modifier)
            .and_then(|m| m.side)
            .filter(|_| !singles_out(analysis, modifier));
        let next = (modifier + 1..members.end)
            .take(LONGEST_LIST)
            .find(|&m| kind(analysis, m) != Some(NodeKind::Modifier))
            .filter(|&head| {
                let gap = gap(analysis, modifier, head);
                gap.verbs + gap.prepositions + gap.relatives + gap.marks == 0
                    && gap.length <= WIDEST_GAP
                    && gap.commas <= 1
                    && gap.words <= 3
            });
        let before = || {
            let mut heads = (members.start..modifier).rev();
            let nearest = heads.clone().find(|&m| is_finding(analysis, m));
            nearest.or_else(|| heads.find(|&m| is_anatomy(analysis, m)))
        };
        let (head, rule) = match next {
            Some(head) if !(side.is_some() && closes_phrase(analysis, modifier)) => {
                (Some(head), "attribute")
            }
            other => match before() {
                Some(head) => (Some(head), "predicate"),
                None => (other, "attribute"),
            },
        };
        let Some(head) = head else { continue };
        edges.push(LocalEdge { source: modifier, target: head, relation: Relation::Modify, rule });
        if let Some(side) = side
            && let Some(target) = analysis.mentions.get_mut(head)
        {
            let fixed = lexicon.concepts.get(target.concept).is_none();
            if !fixed {
                target.side = Some(target.side.map_or(side, |own| own.union(side)));
            }
        }
    }
}

/// `Cysts in both kidneys, the largest on the left`: the side of one of several, or of the most.
fn singles_out(analysis: &Analysis, modifier: usize) -> bool {
    const REACH: usize = 5;
    let Some(first) = analysis.mentions.get(modifier).map(|m| m.first) else { return false };
    let before = analysis.tokens.get(first.saturating_sub(REACH)..first).unwrap_or_default();
    before.iter().any(|token| {
        matches!(
            analysis.shadow.text.get(token.start..token.end),
            Some("largest" | "biggest" | "larger" | "predominantly" | "especially" | "mostly")
        )
    })
}

/// `effusion on the right, consolidation ...`: a side after a preposition with nothing to name
/// after it belongs to what stands before.
fn closes_phrase(analysis: &Analysis, modifier: usize) -> bool {
    let Some(mention) = analysis.mentions.get(modifier) else { return false };
    let class = |at: usize| analysis.tokens.get(at).map(|token| token.class);
    let led = mention
        .first
        .checked_sub(1)
        .is_some_and(|at| matches!(class(at), Some(Class::Determiner | Class::Preposition)))
        || class(mention.first) == Some(Class::Preposition);
    let open = matches!(class(mention.last), Some(Class::Word | Class::Number));
    led && !open
}

/// `In the left lung, a nodule in the lower lobe and a cyst in the upper lobe`: the place that opens
/// a clause lends its side to later parts of the same organ that have none.
fn lend_sides(lexicon: &Lexicon, analysis: &mut Analysis) {
    let mut lead: Option<(usize, Side)> = None;
    for at in 0..analysis.mentions.len() {
        let Some(mention) = analysis.mentions.get(at) else { break };
        if mention.kind != NodeKind::Anatomy {
            continue;
        }
        let (side, clause) = (mention.side, mention.clause);
        let opens = analysis.clauses.get(clause).is_some_and(|clause| {
            let prefix = analysis.tokens.get(clause.first..mention.first).unwrap_or_default();
            prefix.first().is_some_and(|token| token.class == Class::Preposition)
                && prefix.iter().all(|token| token.class != Class::Comma)
                && prefix.len() <= WIDEST_GAP
        });
        match (side, lead) {
            (Some(side), _) if opens => lead = Some((at, side)),
            (Some(_), Some((from, _))) if related(lexicon, analysis, from, at) => lead = None,
            (None, Some((from, side))) if related(lexicon, analysis, from, at) => {
                if let Some(mention) = analysis.mentions.get_mut(at) {
                    mention.side = Some(side);
                }
            }
            _ => {}
        }
    }
}

/// Parts of one organ named in a row share the side that one of them gives.
fn share_sides(lexicon: &Lexicon, analysis: &mut Analysis, heads: &[usize]) {
    for backward in [false, true] {
        let pairs = heads.len().saturating_sub(1);
        for step in 0..pairs {
            let at = if backward { pairs - 1 - step } else { step };
            let (Some(&left), Some(&right)) = (heads.get(at), heads.get(at + 1)) else { continue };
            if !is_anatomy(analysis, left) || !is_anatomy(analysis, right) {
                continue;
            }
            let gap = gap(analysis, left, right);
            let joined = gap.verbs + gap.relatives + gap.marks == 0 && gap.length <= 4;
            let (from, to) = if backward { (right, left) } else { (left, right) };
            let Some(side) = analysis.mentions.get(from).and_then(|m| m.side) else { continue };
            let listed = gap.commas + gap.conjunctions > 0;
            let shares = if listed {
                !backward && side == Side::Bilateral
            } else {
                related(lexicon, analysis, left, right)
            };
            if joined
                && shares
                && let Some(target) = analysis.mentions.get_mut(to)
            {
                target.side.get_or_insert(side);
            }
        }
    }
}

/// Whether two anatomies belong to one organ.
fn related(lexicon: &Lexicon, analysis: &Analysis, left: usize, right: usize) -> bool {
    let ancestors = |mention: usize| {
        analysis
            .mentions
            .get(mention)
            .and_then(|m| lexicon.concepts.get(m.concept))
            .map(|concept| concept.ancestors.as_slice())
            .unwrap_or_default()
    };
    ancestors(left).iter().any(|ancestor| ancestors(right).contains(ancestor))
}

/// A finding without a side of its own takes that of its places.
fn side_from_places(analysis: &mut Analysis, edges: &[LocalEdge]) {
    if edges.iter().all(|edge| edge.relation != Relation::LocatedAt) {
        return;
    }
    let mut sides: Vec<Option<Side>> = vec![None; analysis.mentions.len()];
    for edge in edges.iter().filter(|edge| edge.relation == Relation::LocatedAt) {
        let place = analysis.mentions.get(edge.target).and_then(|m| m.side);
        if let (Some(place), Some(slot)) = (place, sides.get_mut(edge.source)) {
            *slot = Some(slot.map_or(place, |side: Side| side.union(place)));
        }
    }
    for (mention, side) in analysis.mentions.iter_mut().zip(sides) {
        if mention.side.is_none() {
            mention.side = side;
        }
    }
}

/// `Left effusion with adjacent atelectasis`: what is next to a finding lies on its side, if it is of an organ
/// that has sides.
fn side_from_neighbour(lexicon: &Lexicon, analysis: &mut Analysis) {
    const ADJECTIVES: usize = 2;
    const PAIRED: [&str; 6] = ["lung", "pleura", "breast", "kidney", "adrenal_gland", "brain"];
    let paired = |concept: usize| {
        let organ = lexicon.organs.get(concept).copied().flatten();
        organ
            .and_then(|organ| ORGANS.get(usize::from(organ)))
            .is_some_and(|(name, _)| PAIRED.contains(name))
    };
    let mut last: Option<(usize, Side)> = None;
    for at in 0..analysis.mentions.len() {
        let Some(mention) = analysis.mentions.get(at).filter(|m| m.is_finding()) else { continue };
        let from = mention.first.saturating_sub(ADJECTIVES + 1);
        let before = analysis.tokens.get(from..mention.first).unwrap_or_default();
        let beside = before.iter().any(|token| {
            matches!(
                analysis.shadow.text.get(token.start..token.end),
                Some("underlying" | "overlying" | "adjacent" | "subjacent" | "ipsilateral")
            )
        });
        let (own, clause) = (mention.side, mention.clause);
        let takes = beside && own.is_none() && paired(mention.concept);
        let near = last.filter(|(same, _)| takes && *same == clause);
        if let Some((_, side)) = near
            && let Some(mention) = analysis.mentions.get_mut(at)
        {
            mention.side = Some(side);
        }
        last = own.or(near.map(|(_, side)| side)).map(|side| (clause, side));
    }
}

/// `A compatible with B`, `A (B?)`.
fn suggest(analysis: &Analysis, edges: &mut Vec<LocalEdge>) {
    for scope in analysis.scopes.iter().filter(|scope| scope.suggests) {
        let mut targets = analysis
            .mentions
            .iter()
            .enumerate()
            .filter(|(_, m)| m.is_finding() && scope.covers(m.first, m.last))
            .take(LONGEST_LIST)
            .peekable();
        let Some(&(first_target, target)) = targets.peek() else { continue };
        let limit = scope.cue_first().min(target.first);
        let source = analysis
            .mentions
            .get(..first_target)
            .unwrap_or_default()
            .iter()
            .rposition(|m| m.is_finding() && m.last <= limit);
        let Some(source) = source else { continue };
        edges.extend(targets.map(|(target, _)| LocalEdge {
            source,
            target,
            relation: Relation::SuggestiveOf,
            rule: "hedge",
        }));
    }
}

/// What a sign is read as lies where the sign lies, unless it has a place of its own.
fn place_suggested(analysis: &Analysis, edges: &mut Vec<LocalEdge>) {
    let placed = |edges: &[LocalEdge], mention: usize| {
        edges.iter().any(|e| e.relation == Relation::LocatedAt && e.source == mention)
    };
    let signs: Vec<LocalEdge> =
        edges.iter().filter(|e| e.relation == Relation::SuggestiveOf).copied().collect();
    let mut found = Vec::new();
    for sign in signs.iter().take(LONGEST_LIST) {
        if is_finding(analysis, sign.target) && !placed(edges, sign.target) {
            let places = edges
                .iter()
                .filter(|e| e.relation == Relation::LocatedAt && e.source == sign.source)
                .take(LONGEST_LIST);
            found.extend(places.map(|place| LocalEdge {
                source: sign.target,
                target: place.target,
                relation: Relation::LocatedAt,
                rule: "suggested",
            }));
        }
    }
    edges.extend(found);
}

/// A finding measured now and before has changed by its largest diameters.
fn change_from_sizes(analysis: &mut Analysis, measured: &[Option<usize>]) {
    let largest = |mention: usize, prior: bool| {
        analysis
            .sizes
            .iter()
            .zip(measured)
            .filter(|(sized, target)| **target == Some(mention) && sized.size.prior == prior)
            .flat_map(|(sized, _)| sized.size.values_mm.iter().copied())
            .fold(None, |most: Option<f64>, value| Some(most.map_or(value, |most| most.max(value))))
    };
    let changes: Vec<(usize, Change)> = measured
        .iter()
        .flatten()
        .filter_map(|&mention| {
            let (before, now) = (largest(mention, true)?, largest(mention, false)?);
            let change = match now.total_cmp(&before) {
                std::cmp::Ordering::Less => Change::Decreased,
                std::cmp::Ordering::Equal => Change::Stable,
                std::cmp::Ordering::Greater => Change::Increased,
            };
            Some((mention, change))
        })
        .collect();
    for (mention, change) in changes {
        if let Some(mention) = analysis.mentions.get_mut(mention).filter(|m| m.is_finding()) {
            mention.change.get_or_insert(change);
        }
    }
}

/// What the size at a token measures: the noun right after it, else the finding before it, else
/// the anatomy before it, else the last finding of the clause before.
fn measure(analysis: &Analysis, token: usize, clause: usize) -> Option<usize> {
    let heads: Vec<usize> = members(analysis, clause)
        .filter(|&m| kind(analysis, m) != Some(NodeKind::Modifier))
        .collect();
    let first_of = |m: usize| analysis.mentions.get(m).map_or(0, |mention| mention.first);
    let split = heads.partition_point(|&m| first_of(m) < token);
    let (before, after) = heads.split_at_checked(split)?;
    if let Some(&next) = after.first() {
        let tokens = analysis.tokens.get(token..first_of(next)).unwrap_or_default();
        let close = tokens.len() <= WIDEST_GAP + 3
            && tokens.iter().enumerate().all(|(at, t)| {
                let allowed = matches!(t.class, Class::Word | Class::Number | Class::Determiner);
                // `5 mm in diameter nodule` and `10 mm sized` are common.
                let size_word = t.class == Class::Preposition
                    && tokens.get(at + 1).is_some_and(|w| {
                        matches!(
                            analysis.shadow.text.get(w.start..w.end),
                            Some("size" | "diameter" | "thickness" | "length" | "width")
                        )
                    });
                allowed || size_word
            });
        if close && is_finding(analysis, next) {
            return Some(next);
        }
    }
    let nearest = |heads: &[usize]| {
        heads
            .iter()
            .rev()
            .copied()
            .find(|&m| is_finding(analysis, m))
            .or_else(|| heads.iter().rev().copied().find(|&m| is_anatomy(analysis, m)))
    };
    if let Some(found) = nearest(before) {
        return Some(found);
    }
    let earlier: Vec<usize> = clause
        .checked_sub(1)
        .map(|previous| members(analysis, previous))
        .unwrap_or_default()
        .filter(|&m| kind(analysis, m) != Some(NodeKind::Modifier))
        .collect();
    let after_finding = after.iter().copied().find(|&m| is_finding(analysis, m));
    earlier
        .iter()
        .rev()
        .copied()
        .find(|&m| is_finding(analysis, m))
        .or(after_finding)
        .or_else(|| nearest(&earlier))
        .or_else(|| after.first().copied())
}

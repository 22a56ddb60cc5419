//! What sizes measure, and the change that two sizes of one finding give.

use super::gap::{WIDEST_GAP, is_anatomy, is_finding, kind};
use super::heads::members;
use crate::report::mention::Analysis;
use crate::report::parsed::{Change, NodeKind};
use crate::report::text::{Class, WordList};

/// For each size of the sentence, what it measures.
pub(crate) fn measure_all(analysis: &Analysis) -> Vec<Option<usize>> {
    analysis.sizes.iter().map(|sized| measure(analysis, sized.token, sized.clause)).collect()
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
    // The finding that the size leads to, with its place before it (`a 13 mm subcarinal lymph node`), and of a compound
    // (`24 mm lymphoma mass`) the last.
    let next = after.iter().position(|&m| is_finding(analysis, m)).map(|at| {
        let joined = |a: usize, b: usize| {
            let ends = analysis.mentions.get(a).zip(analysis.mentions.get(b));
            is_finding(analysis, b) && ends.is_some_and(|(a, b)| a.last == b.first)
        };
        let more = after.get(at..).unwrap_or_default().windows(2);
        at + more.take_while(|pair| matches!(pair, [a, b] if joined(*a, *b))).count()
    });
    if let Some(&next) = next.and_then(|at| after.get(at)) {
        let tokens = analysis.tokens.get(token..first_of(next)).unwrap_or_default();
        let close = tokens.len() <= WIDEST_GAP + 3
            && tokens.iter().enumerate().all(|(at, t)| {
                let allowed = matches!(t.class, Class::Word | Class::Number | Class::Determiner);
                // `5 mm in diameter nodule` and `10 mm sized` are common.
                let size_word = t.class == Class::Preposition
                    && tokens.get(at + 1).is_some_and(|word| word.is(WordList::SizeNoun));
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
    let after_finding = next.and_then(|at| after.get(at)).copied();
    earlier
        .iter()
        .rev()
        .copied()
        .find(|&m| is_finding(analysis, m))
        .or(after_finding)
        .or_else(|| nearest(&earlier))
        .or_else(|| after.first().copied())
}

/// A finding measured now and before has changed by its largest diameters.
pub(crate) fn change_from_sizes(analysis: &mut Analysis, measured: &[Option<usize>]) {
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

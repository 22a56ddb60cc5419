//! One sentence, analysed: its mentions of concepts with assertion and change.

use super::assertion::{Verdict, decide};
use super::change::{Candidate, Changed, find_changes};
use super::clause::{Clause, breaks, split_clauses};
use super::cue_scope::{Context, Scope, denies_earlier, scopes};
use super::entity::{Hit, find_hits};
use super::measurement::{SizedAt, find_sizes};
use super::prior_size::mark_prior;
use crate::report::lexicon::Lexicon;
use crate::report::parsed::{Assertion, Change, NodeKind, Side};
use crate::report::rule::Rule;
use crate::report::text::{Class, FoldedText, Token, Tokens, WordList, tokenise};

/// A concept mentioned in a sentence.
pub(crate) struct Mention {
    pub(crate) concept: usize,
    pub(crate) kind: NodeKind,
    /// First byte in the folded text.
    pub(crate) start: usize,
    /// One past the last byte in the folded text.
    pub(crate) end: usize,
    /// First token.
    pub(crate) first: usize,
    /// One past the last token.
    pub(crate) last: usize,
    pub(crate) clause: usize,
    pub(crate) side: Option<Side>,
    /// Of a finding on both sides, the one with more of it.
    pub(crate) most: Option<Side>,
    pub(crate) change: Option<Change>,
    /// The bytes in which the text says where it has resolved, while it is left elsewhere.
    pub(crate) gone: Option<(usize, usize)>,
    pub(crate) verdict: Option<Verdict>,
}

impl Mention {
    /// Whether assertions and changes apply to it.
    pub(crate) fn is_finding(&self) -> bool {
        is_finding(self.kind)
    }
}

/// A sentence with everything found in it so far.
pub(crate) struct Analysis {
    pub(crate) folded: FoldedText,
    pub(crate) tokens: Vec<Token>,
    pub(crate) clauses: Vec<Clause>,
    pub(crate) mentions: Vec<Mention>,
    pub(crate) scopes: Vec<Scope>,
    pub(crate) sizes: Vec<SizedAt>,
}

impl Analysis {
    /// Bytes of the document at which the sentence can end early; see [`breaks`].
    pub(crate) fn breaks(&self) -> Vec<u32> {
        breaks(&self.clauses, &self.tokens)
            .filter_map(|first| self.tokens.get(first))
            .map(|token| self.folded.span(token.start, token.end).0)
            .collect()
    }
}

/// Whether nodes of this kind carry an assertion.
pub(crate) fn is_finding(kind: NodeKind) -> bool {
    matches!(kind, NodeKind::Observation | NodeKind::Device | NodeKind::Procedure)
}

/// Analyses `text[start..end]`, one sentence.
pub(crate) fn analyse(lexicon: &Lexicon, text: &str, start: usize, end: usize) -> Analysis {
    let folded = FoldedText::new(text, start, end);
    let tokens = tokenise(&lexicon.words, &folded.text);
    let view = Tokens { text: &folded.text, all: &tokens, lists: &lexicon.words };
    let hits = find_hits(lexicon, view);
    let clauses = split_clauses(lexicon, view, &hits.cues);
    let context = Context { tokens: view, clauses: &clauses };
    let scopes = scopes(lexicon, &context, &hits.cues);
    let mut mentions: Vec<Mention> =
        hits.concepts.iter().map(|hit| mention(lexicon, &context, &scopes, hit)).collect();
    // `density increase` is a finding of its own and not the growth of one.
    let inside_finding = |hit: &Hit| {
        mentions.iter().any(|m| {
            let same = (hit.start, hit.end) == (m.start, m.end);
            m.is_finding() && m.start <= hit.start && hit.end <= m.end && !same
        })
    };
    let mut changes = hits.changes;
    changes.retain(|hit| !inside_finding(hit));
    let denied_before: Vec<Hit> = hits
        .cues
        .iter()
        .filter(|cue| lexicon.cues.get(cue.entry).is_some_and(|e| denies_earlier(&context, cue, e)))
        .copied()
        .collect();
    let changing = !changes.is_empty() || !denied_before.is_empty();
    let candidates: Vec<Candidate> = mentions
        .iter()
        .enumerate()
        .filter(|(_, mention)| changing && mention.is_finding())
        .map(|(index, mention)| Candidate {
            mention: index,
            first: mention.first,
            last: mention.last,
            clause: mention.clause,
        })
        .collect();
    let phrases = (changes.as_slice(), denied_before.as_slice());
    let changed = find_changes(lexicon, view, &clauses, phrases, &candidates);
    apply_changes(&changed, &mut mentions);
    drop_growth(lexicon, &changed, &mut mentions);
    drop_size_words(lexicon, view, &mut mentions);
    mark_gone(&tokens, &mut mentions);
    let sentence = text.get(start..end).unwrap_or_default();
    let mut sizes = locate_sizes(lexicon, sentence, start, &folded, &tokens, &clauses);
    let view = Tokens { text: &folded.text, all: &tokens, lists: &lexicon.words };
    mark_prior(view, &clauses, &mut sizes);
    Analysis { folded, tokens, clauses, mentions, scopes, sizes }
}

/// Gives the mentions their changes: of several the first one counts, but what has resolved on one side and persists on
/// the other is there.
fn apply_changes(changed: &[Changed], mentions: &mut [Mention]) {
    for (at, mention) in mentions.iter_mut().enumerate() {
        let mut own = changed.iter().filter(|changed| changed.mention == at).peekable();
        let Some(&first) = own.peek() else { continue };
        let gone = own.clone().find(|changed| changed.change == Change::Resolved);
        let left = own.clone().find(|changed| changed.change != Change::Resolved);
        mention.change.get_or_insert(left.unwrap_or(first).change);
        match (gone, left) {
            (Some(gone), Some(left)) => {
                let until = if left.cue.0 > gone.cue.1 { left.cue.0 } else { usize::MAX };
                mention.gone = Some((gone.cue.1, until));
            }
            (Some(gone), None) if mention.change == Some(Change::Resolved) => {
                mention.verdict = Some(Verdict {
                    assertion: Assertion::Absent,
                    likelihood: 0.0,
                    cue: Some(gone.cue),
                    rule: Rule::Resolved,
                });
            }
            _ => {}
        }
    }
}

/// `The effusion has increased` is one finding with a change and no enlargement besides. What grows must be
/// abnormal by itself: `the lymph nodes have enlarged` is about their size.
fn drop_growth(lexicon: &Lexicon, changed: &[Changed], mentions: &mut Vec<Mention>) {
    let known = |concept: &str| lexicon.by_id.get(concept).copied();
    let Some((abnormality, enlargement)) = known("abnormality").zip(known("enlargement")) else {
        return;
    };
    let abnormal = |at: usize| {
        mentions.get(at).is_some_and(|mention| lexicon.is_a(mention.concept, abnormality))
    };
    let growth: Vec<(usize, usize)> = changed
        .iter()
        .filter(|changed| changed.change == Change::Increased && abnormal(changed.mention))
        .map(|changed| changed.cue)
        .collect();
    let targets: Vec<usize> = changed.iter().map(|changed| changed.mention).collect();
    // `Enlargement of the mass and the spleen`: what grows besides keeps the word.
    if !targets.iter().all(|&target| abnormal(target)) {
        return;
    }
    let mut at = 0;
    mentions.retain(|mention| {
        let target = targets.contains(&at);
        at += 1;
        let shares = |&(start, end): &(usize, usize)| start < mention.end && mention.start < end;
        target || !lexicon.is_a(mention.concept, enlargement) || !growth.iter().any(shares)
    });
}

/// `A large effusion`, `effusion, large`: the size of what is abnormal is no enlargement besides, as it is in `the heart is
/// large`.
fn drop_size_words(lexicon: &Lexicon, tokens: Tokens<'_>, mentions: &mut Vec<Mention>) {
    let known = |concept: &str| lexicon.by_id.get(concept).copied();
    let Some((abnormality, enlargement)) = known("abnormality").zip(known("enlargement")) else {
        return;
    };
    let size_word = |m: &Mention| {
        m.last == m.first + 1
            && tokens.is(m.first, WordList::SizeWord)
            && lexicon.is_a(m.concept, enlargement)
    };
    if !mentions.iter().any(size_word) {
        return;
    }
    let describes =
        |at: usize| {
            let Some(own) = mentions.get(at).filter(|m| size_word(m)) else { return false };
            let abnormal = |m: &&Mention| {
                m.is_finding() && lexicon.is_a(m.concept, abnormality) && m.clause == own.clause
            };
            let noun = |m: &&Mention| m.kind != NodeKind::Modifier;
            let before = mentions.get(..at).unwrap_or_default().iter().rfind(noun).filter(abnormal);
            let after = mentions.get(at + 1..).unwrap_or_default().iter().find(|m| m.is_finding());
            let attribute =
                after.filter(|m| {
                    tokens.all.get(own.last..m.first).unwrap_or_default().iter().all(|t| {
                        matches!(t.class, Class::Word | Class::Number | Class::Conjunction)
                    })
                });
            before.is_some() || attribute.as_ref().is_some_and(abnormal)
        };
    let dropped: Vec<bool> = (0..mentions.len()).map(describes).collect();
    let mut at = 0;
    mentions.retain(|_| {
        at += 1;
        !dropped.get(at - 1).copied().unwrap_or_default()
    });
}

/// `The nodule seen on the earlier scan is not seen now` is a nodule that has resolved: an earlier
/// examination is spoken of right before the finding or between it and the words that deny it.
fn mark_gone(tokens: &[Token], mentions: &mut [Mention]) {
    const BEFORE: usize = 3;
    for mention in mentions.iter_mut().filter(|mention| mention.is_finding()) {
        let Some(Verdict { assertion: Assertion::Absent, cue: Some((cue, _)), .. }) =
            &mention.verdict
        else {
            continue;
        };
        if *cue < mention.end {
            continue;
        }
        let until = tokens.partition_point(|token| token.start < *cue);
        let nearest = mention.first.saturating_sub(BEFORE);
        let comma = (nearest..mention.first)
            .rfind(|&at| tokens.get(at).is_some_and(|token| token.class == Class::Comma));
        let from = comma.unwrap_or(nearest);
        let between = tokens.get(from..until).unwrap_or_default();
        let earlier = between.iter().any(|token| token.is(WordList::Comparison));
        if earlier {
            mention.change.get_or_insert(Change::Resolved);
        }
    }
}

fn mention(lexicon: &Lexicon, context: &Context<'_>, scopes: &[Scope], hit: &Hit) -> Mention {
    let kind = lexicon.kind(hit.entry);
    let clause = context.clauses.partition_point(|clause| clause.last <= hit.first);
    let in_exception = context.clauses.get(clause).is_some_and(|clause| clause.exception);
    let verdict =
        is_finding(kind).then(|| decide(context, scopes, hit.first, hit.last, in_exception));
    Mention {
        concept: hit.entry,
        kind,
        start: hit.start,
        end: hit.end,
        first: hit.first,
        last: hit.last,
        clause,
        side: hit.side,
        most: None,
        change: None,
        gone: None,
        verdict,
    }
}

/// Sizes of a sentence that begins at the byte `start`, with offsets in the document, next to the tokens they stand at.
fn locate_sizes(
    lexicon: &Lexicon,
    sentence: &str,
    start: usize,
    folded: &FoldedText,
    tokens: &[Token],
    clauses: &[Clause],
) -> Vec<SizedAt> {
    find_sizes(lexicon, sentence)
        .into_iter()
        .map(|mut size| {
            size.start += start;
            size.end += start;
            let from = |byte: usize| {
                tokens.partition_point(|token| {
                    (folded.span(token.start, token.end).0 as usize) < byte
                })
            };
            let (token, last) = (from(size.start), from(size.end));
            let clause = clauses.partition_point(|clause| clause.last <= token);
            SizedAt { size, token, last, clause }
        })
        .collect()
}

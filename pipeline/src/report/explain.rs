//! How the parser read a sentence, step by step: clauses, phrases of the lexicon, and how far each cue reaches.

use serde::Serialize;

use super::document::ReportDocument;
use super::lexicon::Lexicon;
use super::markup::masked;
use super::mention::{Analysis, Hit, Scope, analyse, find_hits};
use super::parsed::{ParsedReport, Sentence};
use super::parser::ReportParser;
use super::rule::Rule;
use super::text::Tokens;

/// A stretch of the document, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A phrase of the lexicon in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedPhrase {
    /// Where it stands.
    pub at: Span,
    /// What its row of the lexicon says.
    pub meaning: String,
}

/// A cue and its reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedCue {
    /// The cue.
    pub at: Span,
    /// The rule that decides on what it reaches.
    pub rule: Rule,
    /// What it reaches; none where that is nothing.
    pub reach: Option<Span>,
}

/// One sentence, step by step. What came of it stands in the nodes and edges of the parsed report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExplainedSentence {
    /// Number of the sentence.
    pub sentence: u32,
    /// Its clauses: most cues reach no further than theirs.
    pub clauses: Vec<Span>,
    /// What the lexicon knows of it, in text order.
    pub phrases: Vec<ExplainedPhrase>,
    /// The cues that decide.
    pub cues: Vec<ExplainedCue>,
}

impl ReportParser {
    /// How the parser read each sentence of a document that it parsed.
    pub fn explain(
        &self,
        document: &ReportDocument,
        parsed: &ParsedReport,
    ) -> Vec<ExplainedSentence> {
        let text = masked(&document.text);
        parsed.sentences.iter().map(|sentence| explain(self.lexicon(), &text, sentence)).collect()
    }
}

fn explain(lexicon: &Lexicon, text: &str, sentence: &Sentence) -> ExplainedSentence {
    let analysis = analyse(lexicon, text, sentence.start as usize, sentence.end as usize);
    let view = Tokens { text: &analysis.folded.text, all: &analysis.tokens, lists: &lexicon.words };
    let hits = find_hits(lexicon, view);
    let span = |first, last| tokens_span(&analysis, first, last);
    let phrase = |hit: &Hit, meaning: String| {
        Some(ExplainedPhrase { at: span(hit.first, hit.last)?, meaning })
    };
    let concepts = hits.concepts.iter().map(|hit| phrase(hit, lexicon.describe_concept(hit.entry)));
    let cues = hits.cues.iter().map(|hit| phrase(hit, lexicon.describe_cue(hit.entry)));
    let changes = hits.changes.iter().map(|hit| phrase(hit, lexicon.describe_change(hit.entry)));
    let mut phrases: Vec<ExplainedPhrase> = concepts.chain(cues).chain(changes).flatten().collect();
    phrases.sort_by_key(|phrase| (phrase.at.start, phrase.at.end));
    let cue = |scope: &Scope| {
        let (first, last) = scope.cue_tokens;
        Some(ExplainedCue {
            at: span(first, last)?,
            rule: scope.rule,
            reach: span(scope.first, scope.last),
        })
    };
    ExplainedSentence {
        sentence: sentence.id,
        clauses: analysis.clauses.iter().filter_map(|c| span(c.first, c.last)).collect(),
        cues: analysis.scopes.iter().filter_map(cue).collect(),
        phrases,
    }
}

/// Limits in the document of tokens; none where there are none.
fn tokens_span(analysis: &Analysis, first: usize, last: usize) -> Option<Span> {
    let tokens = analysis.tokens.get(first..last)?;
    let (start, end) = analysis.folded.span(tokens.first()?.start, tokens.last()?.end);
    Some(Span { start, end })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_is_shown() {
        let parser = ReportParser::builtin().expect("the built-in lexicon loads");
        let text = "There is no pleural effusion, but a nodule is seen.";
        let document = ReportDocument::from_text("a", text);
        let steps = parser.explain(&document, &parser.parse(&document));
        let [step] = steps.as_slice() else { panic!("one sentence") };
        let words = |span: Span| &text[span.start as usize..span.end as usize];
        let clauses: Vec<&str> = step.clauses.iter().map(|span| words(*span)).collect();
        assert_eq!(clauses, ["There is no pleural effusion,", "but a nodule is seen."]);
        let cue = step.cues.iter().find(|cue| words(cue.at) == "no").expect("the cue");
        assert_eq!(cue.rule, Rule::NegatedForward);
        assert!(words(cue.reach.expect("a reach")).starts_with("pleural effusion"));
        assert!(!words(cue.reach.expect("a reach")).contains("nodule"));
        let meaning = |phrase: &str| {
            step.phrases.iter().find(|found| words(found.at) == phrase).map(|found| &*found.meaning)
        };
        assert_eq!(meaning("pleural effusion"), Some("concept pleural_effusion (observation)"));
        assert_eq!(meaning("no"), Some("cue negated_forward"));
    }
}

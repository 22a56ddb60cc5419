//! The rules of the parser: each decides an assertion or draws an edge, and its id stands in every node
//! and edge that it decided.
//!
//! A new rule is one entry of this list, one function in the folder that it names, and one line in the
//! ordered list of that folder.

/// Declares [`Rule`] and [`rules`] from one list.
macro_rules! rule_list {
    ($(
        $(#[doc = $doc:literal])+
        $variant:ident = $id:literal in $file:literal
            fires $example:literal
            spares $counter_example:literal
    )+) => {
        schemas::named_enum! {
            /// What decided a node's assertion or drew an edge.
            #[non_exhaustive]
            pub enum Rule {
                $(
                    $(#[doc = $doc])+
                    $variant = $id
                ),+
            }
        }

        const RULES: [RuleInfo; Rule::ALL.len()] = [$(RuleInfo {
            rule: Rule::$variant,
            file: $file,
            example: $example,
            counter_example: $counter_example,
        }),+];
    };
}

rule_list! {
    /// A place or an attribute is mentioned, to which assertions do not apply.
    Lexicon = "lexicon" in "mention/analysis.rs"
        fires "The liver is examined."
        spares "Pneumothorax."
    /// A finding is mentioned and no cue reaches it: it is present.
    Stated = "stated" in "mention/assertion.rs"
        fires "There is a nodule."
        spares "There is no nodule."
    /// A finding is named as the exception of a statement: it is present.
    Exception = "exception" in "mention/assertion.rs"
        fires "No abnormality except for a nodule."
        spares "There is an abnormality, and a nodule."
    /// The absence of a finding is denied: it is present.
    DoubleNegation = "double_negation" in "mention/assertion.rs"
        fires "No lobe is without emphysema."
        spares "The lobe is without emphysema."
    /// That a finding can be excluded is denied: it is uncertain.
    DeniedExclusion = "denied_exclusion" in "mention/assertion.rs"
        fires "Neither pneumonia nor tuberculosis can be ruled out."
        spares "Pneumonia was ruled out."
    /// A denial reaches what follows it: it is absent.
    NegatedForward = "negated_forward" in "mention/cue_scope.rs"
        fires "No pleural effusion."
        spares "Pleural effusion is not seen."
    /// A denial reaches what follows it up to the next finite verb: it is absent.
    NegatedForwardPhrase = "negated_forward_phrase" in "mention/cue_scope.rs"
        fires "Consolidation without pleural effusion is seen."
        spares "Consolidation with pleural effusion is seen."
    /// A denial reaches what stands before it: it is absent.
    NegatedBackward = "negated_backward" in "mention/cue_scope.rs"
        fires "Pleural effusion is not seen."
        spares "No pleural effusion."
    /// A hedge reaches what follows it.
    PossibleForward = "possible_forward" in "mention/cue_scope.rs"
        fires "Possible pneumonia."
        spares "Pneumonia is possible."
    /// A hedge reaches what stands before it.
    PossibleBackward = "possible_backward" in "mention/cue_scope.rs"
        fires "Pneumonia is possible."
        spares "Possible pneumonia."
    /// A hedge reaches what stands on either side of it.
    PossibleBoth = "possible_both" in "mention/cue_scope.rs"
        fires "Pneumonia cannot be excluded."
        spares "Pneumonia is excluded."
    /// What follows the cue is suggested by a finding before it.
    SuggestsForward = "suggests_forward" in "mention/cue_scope.rs"
        fires "Opacity suspicious for pneumonia."
        spares "Opacity without pneumonia."
    /// The examination looks for what follows the cue.
    HypotheticalForward = "hypothetical_forward" in "mention/cue_scope.rs"
        fires "Examination to rule out pneumonia."
        spares "Examination shows pneumonia."
    /// What stands before the cue is to be looked for.
    HypotheticalBackward = "hypothetical_backward" in "mention/cue_scope.rs"
        fires "Pneumonia should be ruled out."
        spares "Pneumonia was ruled out."
    /// What follows the cue is known from the patient's history.
    HistoricalForward = "historical_forward" in "mention/cue_scope.rs"
        fires "Patient treated for pneumonia."
        spares "Patient suffers from pneumonia."
    /// What stands before the cue is known from the patient's history.
    HistoricalBackward = "historical_backward" in "mention/cue_scope.rs"
        fires "Tuberculosis (treated 2009)."
        spares "Tuberculosis (active)."
    /// What follows the cue is of a relative and not of the patient.
    FamilyForward = "family_forward" in "mention/cue_scope.rs"
        fires "His mother had emphysema."
        spares "The patient has emphysema."
    /// What stands before the cue is of a relative and not of the patient.
    FamilyBackward = "family_backward" in "mention/cue_scope.rs"
        fires "Emphysema in his mother."
        spares "Emphysema in his lungs."
    /// What follows the cue is there, whatever reaches what stands before.
    StatedForwardPhrase = "stated_forward_phrase" in "mention/cue_scope.rs"
        fires "Pneumonia on a background of emphysema is possible."
        spares "Pneumonia and emphysema are possible."
    /// A question mark doubts the bracket it closes, the item before it or the statement it opens.
    QuestionMark = "question_mark" in "mention/cue_scope.rs"
        fires "Hypodense lesion (cyst?) in the liver."
        spares "Hypodense lesion (cyst) in the liver."
    /// A finding was there in an earlier examination and is gone: it is absent.
    Resolved = "resolved" in "mention/change.rs"
        fires "The pleural effusion has resolved."
        spares "The pleural effusion has increased."
    /// An unhedged finding stands in a section that does not describe the images: it is uncertain.
    SectionScope = "section_scope" in "draft.rs"
        fires "Indication: pneumonia."
        spares "Findings: pneumonia."
    /// A modifier belongs to the noun after it, or a place to the finding right after it.
    Attribute = "attribute" in "relation/modifier.rs and relation/location.rs"
        fires "Small nodule."
        spares "The nodule is small."
    /// A modifier belongs to the noun before it.
    Predicate = "predicate" in "relation/modifier.rs"
        fires "The nodule is small."
        spares "Small nodule."
    /// A finding is at the place that a preposition names after it.
    Preposition = "preposition" in "relation/location.rs"
        fires "A cyst in the liver."
        spares "In the liver, a cyst is seen."
    /// A finding is at the place that opens its clause.
    Opening = "opening" in "relation/location.rs"
        fires "In the liver, a cyst is seen."
        spares "A cyst in the liver."
    /// A finding whose clause names no place is at the place of an earlier clause.
    EarlierClause = "earlier_clause" in "relation/location.rs"
        fires "The pancreas is normal; a cyst is seen."
        spares "A cyst is seen; the pancreas is normal."
    /// A finding whose sentence names no place is at the place of the sentence before.
    EarlierSentence = "earlier_sentence" in "relation/carried.rs"
        fires "The pancreas is normal. A cyst is seen."
        spares "A cyst is seen. The pancreas is normal."
    /// A finding is read as a sign of what the hedge after it names.
    Hedge = "hedge" in "relation/suggestion.rs"
        fires "Opacity compatible with pneumonia."
        spares "Opacity and pneumonia."
    /// What a finding is a sign of is at the place of that finding.
    Suggested = "suggested" in "relation/suggestion.rs"
        fires "A mass in the spinal canal, which was evaluated in favor of meningioma."
        spares "A mass, which was evaluated in favor of meningioma."
    /// A size is a node, and measures the finding or the place beside it.
    Measurement = "measurement" in "relation/size.rs"
        fires "A 5 mm nodule."
        spares "A small nodule."
}

impl Rule {
    /// Whether the rule fills in what the text leaves open.
    pub fn is_guess(self) -> bool {
        matches!(self, Self::EarlierClause | Self::EarlierSentence | Self::Suggested)
    }
}

/// A rule with an example of what it decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleInfo {
    /// The rule; its name is the id in nodes and edges, its doc says what it decides.
    pub rule: Rule,
    /// The file under `pipeline/src/report` that holds its function.
    pub file: &'static str,
    /// A report in which the rule decides something.
    pub example: &'static str,
    /// A similar report in which it decides nothing.
    pub counter_example: &'static str,
}

/// Every rule of the parser.
pub fn rules() -> &'static [RuleInfo] {
    &RULES
}

/// How many nodes and edges each rule decided.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleHits([u64; Rule::ALL.len()]);

impl RuleHits {
    /// Adds nodes or edges that were decided by `rules`.
    pub(crate) fn add(&mut self, rules: impl Iterator<Item = Rule>) {
        for rule in rules {
            if let Some(count) = self.0.get_mut(rule as usize) {
                *count += 1;
            }
        }
    }

    /// Adds the counts of other reports.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count += more;
        }
    }

    /// Nodes and edges that the rule decided.
    pub fn of(&self, rule: Rule) -> u64 {
        self.0.get(rule as usize).copied().unwrap_or_default()
    }
}

//! The lists of words that rules ask for. The words are data: `pipeline/lexicon/words.tsv`, and a user's own rows.

use super::word_hash::WordMap;

schemas::named_enum! {
    /// A list of words. The first six are word classes: a word is in one of them at most.
    pub enum WordList {
        /// Word class: opens a noun phrase.
        Determiner = "determiner",
        /// Word class: leads to a place, a time or an attribute.
        Preposition = "preposition",
        /// Word class: joins.
        Conjunction = "conjunction",
        /// Word class: makes a statement of a clause.
        FiniteVerb = "finite_verb",
        /// Word class: continues a verb group (`be`, `not`, adverbs and verbs of seeing).
        VerbPart = "verb_part",
        /// Word class: opens a relative clause.
        Relative = "relative",
        /// Joins two statements as well as two things.
        And = "and",
        /// Joins what is denied together.
        Or = "or",
        /// Before a word that mostly opens a clause: here it goes on with a list (`lytic or otherwise destructive`).
        Alternative = "alternative",
        /// Denies by itself; answers a question; stands before a number.
        No = "no",
        /// Denies a verb.
        Not = "not",
        /// Opens a statement after a comma; sets what it leads to apart from a list.
        With = "with",
        /// Before what is spoken of as known (`in the nodule`).
        Definite = "definite",
        /// Stands for a finding of the clause before.
        Pronoun = "pronoun",
        /// After a dash between blanks: opens a statement of its own.
        DashStatement = "dash_statement",
        /// After a colon: answers for what stands before it.
        Answer = "answer",
        /// After the comma that ends `except for ...,`: the main statement goes on.
        AfterException = "after_exception",
        /// Opens the subject of a new clause.
        Subject = "subject",
        /// Between alternatives: the verb before them limits the reach.
        Versus = "versus",
        /// After a denial: it holds for the past only.
        EarlierAdverb = "earlier_adverb",
        /// After a denial: may lead to an earlier examination.
        TimePreposition = "time_preposition",
        /// Names an earlier examination.
        EarlierAdjective = "earlier_adjective",
        /// After a denial and a comma or `and`: opens a statement of its own.
        StatementOpener = "statement_opener",
        /// A statement opener that goes on with a list after a comma.
        Bilateral = "bilateral",
        /// After an item of a list: answers whether it is there.
        ItemAnswer = "item_answer",
        /// In a hedge: the hedge carries its own denial and overrides a plain one.
        OwnNegation = "own_negation",
        /// Last word of a cue that excludes.
        Excluding = "excluding",
        /// First word of a cue that denies what follows.
        DenialOpener = "denial_opener",
        /// Names the patient, where a relative has been spoken of.
        Patient = "patient",
        /// Denies that a place has a finding; denied itself, the finding is there.
        Lacking = "lacking",
        /// `No pneumothorax after biopsy`: what follows has happened.
        AfterEvent = "after_event",
        /// Leads to what is spoken of as known.
        PlacePreposition = "place_preposition",
        /// Speaks of an earlier examination.
        Comparison = "comparison",
        /// Ends a phrase that compares two places as well as two times (`larger on the right`).
        Comparative = "comparative",
        /// After such a phrase: leads to what it is compared with.
        Than = "than",
        /// Before a word of change: how much.
        Degree = "degree",
        /// Last word of a hedge before what is asked about (`whether the nodule is a metastasis`).
        Whether = "whether",
        /// Leads to the place of a statement after a comma that stands for a full stop.
        SplicePlace = "splice_place",
        /// Leads to what the finding is not at (`in contrast to the left kidney`).
        Contrast = "contrast",
        /// After a letter and a digit that are no vertebra: a sequence or a stage.
        AfterSequence = "after_sequence",
        /// Before a letter and a digit that are no vertebra.
        BeforeSequence = "before_sequence",
        /// Says that an organ is enlarged, or only how large a finding is.
        SizeWord = "size_word",
        /// Unit of a size.
        LengthUnit = "length_unit",
        /// Beside a letter and a digit that could be a sequence: they are a vertebra.
        BesideVertebra = "beside_vertebra",
        /// After such a phrase: leads to a place.
        PlaceOfComparison = "place_of_comparison",
        /// One letter for a side.
        SideLetter = "side_letter",
        /// Between two letters for sides.
        JoinsSides = "joins_sides",
        /// Before a letter that is no side (`Dr R Jones`, `type L`).
        BeforeLetter = "before_letter",
        /// After a letter that is no side (`L-shaped`).
        AfterLetter = "after_letter",
        /// After a letter that names a part of the spine (`L spine`).
        LevelNoun = "level_noun",
        /// Before a place that starts a noun phrase of its own.
        DefinitePlace = "definite_place",
        /// Before the side of one of several findings, or of most of them.
        SinglingOut = "singling_out",
        /// Before a finding that lies on the side of the one before it.
        Beside = "beside",
        /// After a size and a preposition: says what was measured (`5 mm in diameter`).
        SizeNoun = "size_noun",
        /// Part of the text before a size that is of the technique.
        TechniqueBeforeSize = "technique_before_size",
        /// Start of the text after a size that is of the technique.
        TechniqueAfterSize = "technique_after_size",
        /// Beside a size: it is of an earlier examination.
        EarlierSize = "earlier_size",
        /// Beside a size: it is of the present examination.
        PresentSize = "present_size",
        /// Right before a size, beside another one: it is of an earlier examination (`compared with 43 mm`).
        ComparedWithEarlier = "compared_with_earlier",
        /// Before a word that speaks of an earlier examination: what follows is compared with it.
        Comparing = "comparing",
        /// May stand between a size and the word that dates it.
        SizeFiller = "size_filler",
        /// After a number: how long ago.
        TimeUnit = "time_unit",
        /// After a word that speaks of an earlier examination: what was seen there is spoken of (`previously described`).
        Described = "described",
        /// Start of a word of change.
        ChangeVerb = "change_verb",
        /// Start of a word before `from`: the two numbers after it are the ends of a range.
        RangeVerb = "range_verb",
        /// Before two numbers joined by `and`: they are the ends of a range.
        RangeBetween = "range_between",
        /// Before a size: it is that much at most.
        AtMost = "at_most",
        /// Before a size: it is that much at least.
        AtLeast = "at_least",
        /// Before the first of two sizes (`from 8 mm to 12 mm`).
        RangeFrom = "range_from",
        /// Between the ends of a range.
        RangeTo = "range_to",
        /// In a bracket or after a comma, before an earlier size (`8 mm (was 5 mm)`); a verb of the past.
        Was = "was",
        /// Between two factors of a size.
        FactorJoint = "factor_joint",
        /// The months in the order of the year; three letters are an abbreviation.
        Month = "month",
        /// Other abbreviations of months.
        MonthAbbreviation = "month_abbreviation",
        /// Introduces the number of an image or a series.
        Image = "image",
        /// Between such a word and its number.
        ImageNumber = "image_number",
        /// Abbreviation after which a full stop never ends a sentence.
        NeverFinal = "never_final",
        /// Abbreviation after which only a capital starts a new sentence.
        FinalBeforeCapital = "final_before_capital",
        /// Opens a sentence after an initial or an acronym, where a name would go on.
        SentenceOpener = "sentence_opener",
        /// Ends a sentence only where it does not open it.
        ClockTime = "clock_time",
        /// A capital in the middle of a sentence.
        FirstPerson = "first_person",
        /// Stands in a report as a heading rather than in a sentence.
        Heading = "heading",
        /// Heading of what closes a report.
        ClosingHeading = "closing_heading",
        /// Before a heading's word: ties it into its sentence (`no findings`).
        BindsHeading = "binds_heading",
        /// After a heading's word: goes on with a sentence (`impression of the calcaneus`).
        ContinuesHeading = "continues_heading",
        /// Ending of a word that does the same.
        ContinuesHeadingEnding = "continues_heading_ending",
        /// Before a name.
        Title = "title",
        /// After a name: what its bearer has passed.
        AcademicDegree = "academic_degree",
        /// Inside a name, in small letters.
        NameParticle = "name_particle",
        /// Before a name and `by` or a colon: who wrote the report.
        Signing = "signing",
        /// Between such a word and the name.
        SignedBy = "signed_by",
        /// Before a colon and a name: a person's part.
        PersonLabel = "person_label",
        /// Leads to who was told.
        Telling = "telling",
        /// Between such a word and the name.
        ToldTo = "told_to",
        /// The name of a sign, a disease or a device.
        Eponym = "eponym",
        /// After an eponym: what is named so.
        EponymNoun = "eponym_noun",
        /// Before a number that names a patient or a visit.
        RecordNumber = "record_number",
        /// Before a word for a number that names a patient or a visit.
        RecordOwner = "record_owner",
        /// Between such a word and the number.
        NumberWord = "number_word",
        /// Before a date of birth.
        Birth = "birth",
        /// Before a telephone number.
        Telephone = "telephone",
        /// Ends the name of a street.
        Street = "street",
        /// In a header in place of a name that was taken out.
        AnonymisedName = "anonymised_name",
        /// A word of its own that is one letter away from a term.
        OtherWord = "other_word",
        /// Carries no finding, place or attribute.
        FunctionWord = "function_word",
    }
}

/// The lists that a word is in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct WordSet(u128);

const _: () = assert!(WordList::ALL.len() <= 128, "a word set has one bit per list");

impl WordSet {
    pub(crate) fn has(self, list: WordList) -> bool {
        self.0 >> list as u8 & 1 == 1
    }
}

/// The words of every list.
#[derive(Debug, Default)]
pub(crate) struct WordLists {
    sets: WordMap<Box<str>, WordSet>,
    /// For each list, its words in the order of the tables.
    words: Vec<Vec<String>>,
}

impl WordLists {
    /// Adds a word to a list; it is in lower case, as folded text is.
    pub(crate) fn add(&mut self, list: WordList, word: &str) {
        self.words.resize(WordList::ALL.len(), Vec::new());
        if let Some(words) = self.words.get_mut(list as usize)
            && !words.iter().any(|known| known == word)
        {
            words.push(word.to_owned());
            self.sets.entry(word.into()).or_default().0 |= 1 << list as u8;
        }
    }

    /// Takes a word out of a list.
    pub(crate) fn remove(&mut self, list: WordList, word: &str) {
        if let Some(words) = self.words.get_mut(list as usize) {
            words.retain(|known| known != word);
        }
        if let Some(set) = self.sets.get_mut(word) {
            set.0 &= !(1 << list as u8);
        }
    }

    /// The lists that a word in lower case is in.
    pub(crate) fn of(&self, word: &str) -> WordSet {
        self.sets.get(word).copied().unwrap_or_default()
    }

    /// Whether a word, in any case, is in the list.
    pub(crate) fn has(&self, list: WordList, word: &str) -> bool {
        if word.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
            return self.of(&word.to_lowercase()).has(list);
        }
        self.of(word).has(list)
    }

    /// The words of a list, in the order of the tables.
    pub(crate) fn words(&self, list: WordList) -> &[String] {
        self.words.get(list as usize).map(Vec::as_slice).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_in_the_lists_it_was_added_to() {
        let mut lists = WordLists::default();
        lists.add(WordList::No, "no");
        lists.add(WordList::Subject, "no");
        assert!(lists.has(WordList::No, "NO") && lists.of("no").has(WordList::Subject));
        lists.remove(WordList::No, "no");
        assert!(!lists.has(WordList::No, "no") && lists.of("no").has(WordList::Subject));
        assert_eq!(lists.words(WordList::Subject), ["no"]);
        assert_eq!(lists.words(WordList::No), [""; 0]);
    }
}

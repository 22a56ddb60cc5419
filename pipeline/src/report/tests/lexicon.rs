//! The parser's English is data: no rule has words of its own, and every table can be changed from outside.

use std::path::Path;

use super::parser;
use crate::report::lexicon::Lexicon;
use crate::report::text::WordList;
use crate::report::{Assertion, ReportDocument, ReportParser, SectionKind};

fn with(rows: &str) -> ReportParser {
    ReportParser::with_overlay(Some(rows), &[] as &[&str]).expect("the rows are valid")
}

#[test]
fn each_table_is_open_to_rows_of_the_users_own() {
    let own = with(
        "# rows without a header are concepts\n\
         zebra\tzebra sign\tzebra sign\tobservation\t-\t-\tlung\n\
         phrase\tcategory\tdirection\tmax_tokens\tlikelihood\n\
         keine\tnegated\tforward\t0\t0\n\
         unit\tmillimetres\n\
         zoll\t25.4\n\
         heading\tkind\n\
         befund\tfindings\n\
         beurteilung\timpression\n\
         phrase\tchange\tdirection\tneeds_prior\n\
         neu\tnew\tforward\tno\n\
         list\tword\n\
         never_final\tbzw\n\
         statement_opener\t-both\n",
    );
    let text = "Befund: Keine zebra sign. Nodule bzw. Mass of 2 zoll.\nBeurteilung: Neu nodule.\n";
    let document = ReportDocument::from_text("t", text);
    let (mine, builtin) = (own.parse(&document), parser().parse(&document));
    let kinds = |report: &crate::report::ParsedReport| {
        report.sections.iter().map(|section| section.kind).collect::<Vec<_>>()
    };
    assert_eq!(kinds(&mine), [SectionKind::Findings, SectionKind::Impression]);
    assert_ne!(kinds(&builtin), kinds(&mine));
    let zebra = mine.nodes.iter().find(|node| node.concept == "zebra").expect("a concept of mine");
    assert_eq!(zebra.assertion, Some(Assertion::Absent));
    assert_eq!(mine.measurements.len(), 1);
    assert_eq!(mine.measurements[0].values_mm, [50.8]);
    assert!(builtin.measurements.is_empty());
    assert_eq!(mine.sentences.len() + 1, builtin.sentences.len(), "`bzw.` ends no sentence");
    assert!(mine.nodes.iter().any(|node| node.change.is_some()));
    assert!(builtin.nodes.iter().all(|node| node.change.is_none()));
}

#[test]
fn a_fault_in_a_table_names_its_line_and_column() {
    for (rows, fault) in [
        ("list\tword\nno_such_list\tword\n", "line 2 has the unknown list `no_such_list`"),
        ("\nunit\tmillimetres\nfoot\tlong\n", "line 3 has the unknown millimetres `long`"),
        ("unit\tmillimetres\nfoot\n", "line 2 has 1 columns, expected 2"),
    ] {
        let error = ReportParser::with_overlay(Some(rows), &[] as &[&str]).expect_err("a bad row");
        assert!(error.to_string().contains(fault), "{error}");
    }
}

#[test]
fn a_word_has_one_class() {
    let classes = [
        WordList::Determiner,
        WordList::Preposition,
        WordList::Conjunction,
        WordList::FiniteVerb,
        WordList::VerbPart,
        WordList::Relative,
    ];
    let words = Lexicon::builtin().expect("the tables load").words;
    for class in classes {
        for word in words.words(class) {
            let of = classes.iter().filter(|&&class| words.has(class, word)).count();
            assert_eq!(of, 1, "the classes of `{word}`");
        }
    }
    for list in WordList::ALL {
        assert!(!words.words(list).is_empty(), "no word in the list `{}`", list.name());
    }
}

/// String literals of a source file that hold a word, without those of its tests, of comments and of names that an
/// enum declares.
fn literals(source: &str) -> Vec<String> {
    let code = source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let literal = regex::Regex::new(r#""((?:[^"\\]|\\.)*)""#).expect("a valid pattern");
    let name = regex::Regex::new(r#"^[A-Z]\w* = "\w+",$"#).expect("a valid pattern");
    code.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//") && !name.is_match(line))
        .filter(|line| !["assert!", "#["].iter().any(|mark| line.contains(mark)))
        .flat_map(|line| literal.captures_iter(line).map(|found| found[1].to_owned()))
        .filter(|literal| {
            literal.as_bytes().windows(2).any(|pair| pair.iter().all(u8::is_ascii_lowercase))
        })
        .collect()
}

#[test]
fn no_rule_has_words_of_its_own() {
    let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report");
    let mut sources = vec![room.join("coverage.rs")];
    for folder in ["text", "structure", "mention", "relation", "identifier"] {
        for entry in std::fs::read_dir(room.join(folder)).expect("the folder is there") {
            sources.push(entry.expect("an entry").path());
        }
    }
    assert!(sources.len() > 25, "{sources:?}");
    let known = Lexicon::builtin().expect("the tables load").by_id;
    let mut words = Vec::new();
    for path in sources {
        let source = std::fs::read_to_string(&path).expect("source text");
        // The name of a concept is an identifier, not English.
        let own = literals(&source).into_iter().filter(|literal| !known.contains_key(literal));
        words.extend(own.map(|literal| format!("{}: {literal}", path.display())));
    }
    assert_eq!(words, [""; 0], "words belong into pipeline/lexicon/words.tsv");
    assert_eq!(literals("let a = [\"no\", \"R\"];\n// \"not\"\n  No = \"no\",\n"), ["no"]);
}

//! The README lists what there is: every verb, every table, and nothing else.

use std::collections::BTreeSet;

use pipeline::release::TableReader;

use crate::support::{kept, verbs};

const README: &str = include_str!("../../README.md");

/// Words in backticks or plain words of a stretch of the README.
fn words(text: &str) -> BTreeSet<&str> {
    text.split(|letter: char| !(letter.is_ascii_lowercase() || letter == '_'))
        .filter(|word| !word.is_empty())
        .collect()
}

#[test]
fn its_table_of_verbs_is_what_the_program_offers() {
    let offered: BTreeSet<String> = verbs().into_iter().collect();
    let rows = README.lines().skip_while(|line| !line.starts_with("| verb")).skip(2);
    let named: BTreeSet<String> = rows
        .take_while(|line| line.starts_with('|'))
        .flat_map(|line| line.split('|').nth(1).unwrap_or_default().split('`').skip(1).step_by(2))
        .filter_map(|command| command.split_whitespace().next().map(str::to_owned))
        .collect();
    assert_eq!(named, offered);
}

#[test]
fn its_list_of_tables_is_what_a_release_holds() {
    let start =
        README.find("tables/*.parquet").expect("lists the tables") + "tables/*.parquet".len();
    let end = README[start..].find("release.lock").expect("ends with the lock") + start;
    let named = words(&README[start..end]);
    let listed: BTreeSet<&str> = schemas::tables::ALL.iter().map(|table| table.name).collect();
    assert_eq!(named, listed);
    let release = kept("release").pop().expect("there is one");
    let tables = std::fs::read_dir(release.join("tables")).expect("lists");
    let names: BTreeSet<String> = tables
        .map(|entry| {
            entry.expect("lists").path().file_stem().expect("a name").to_string_lossy().into_owned()
        })
        .collect();
    assert_eq!(named, names.iter().map(String::as_str).collect());
    for name in &names {
        TableReader::open(&release, name).expect("opens");
    }
}

//! Reports: sentences that say what a study has, and the claims they make.

use serde::Serialize;

use super::anatomy::{Lobe, Side};
use super::finding::{Change, Finding, Kind};
use crate::draws::Draws;

/// One row of `wording.tsv`.
#[derive(Debug, Clone, Copy)]
struct Wording {
    kind: &'static str,
    form: &'static str,
    concept: &'static str,
    anatomy: &'static str,
    text: &'static str,
}

/// All wordings.
#[derive(Debug)]
pub(super) struct Wordings(Vec<Wording>);

/// What a sentence claims, in the ids of the parser's lexicon.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Claim {
    sentence: String,
    concept: &'static str,
    assertion: &'static str,
    side: Option<&'static str>,
    anatomy: Option<&'static str>,
    sizes_mm: Vec<f32>,
    change: Option<&'static str>,
}

/// The report of a study.
#[derive(Debug, Clone, Default)]
pub(super) struct Report {
    pub(super) clinical: String,
    pub(super) technique: String,
    pub(super) findings: String,
    pub(super) impression: String,
    pub(super) claims: Vec<Claim>,
}

/// Share of absent findings that a report names.
const NEGATED: f32 = 0.75;

impl Wordings {
    /// The table that is built in.
    pub(super) fn builtin() -> Self {
        let rows =
            include_str!("wording.tsv").lines().filter(|line| !line.starts_with('#')).skip(1);
        Self(
            rows.map(|row| {
                let mut cells = row.split('\t');
                let mut cell = || cells.next().expect("a row of the built-in table is whole");
                Wording {
                    kind: cell(),
                    form: cell(),
                    concept: cell(),
                    anatomy: cell(),
                    text: cell(),
                }
            })
            .collect(),
        )
    }

    fn pick(&self, kind: Kind, form: &str, draws: &mut Draws) -> Option<Wording> {
        let rows: Vec<Wording> = self
            .0
            .iter()
            .copied()
            .filter(|row| row.kind == kind.key() && row.form == form)
            .collect();
        (!rows.is_empty()).then(|| *draws.pick(&rows))
    }

    /// Writes the report of a study with `findings`.
    pub(super) fn report(&self, findings: &[Finding], is_later: bool, draws: &mut Draws) -> Report {
        let mut report = Report::default();
        let mut body = Vec::new();
        for &kind in Kind::ALL {
            let claim = match findings.iter().find(|finding| finding.kind == kind) {
                Some(finding) => self.present(finding, draws),
                None if draws.chance(NEGATED) => self.absent(kind, draws),
                None => continue,
            };
            body.push(claim);
        }
        draws.shuffle(&mut body);
        let normal = *draws.pick(&[
            "The trachea and main bronchi are patent.",
            "The airways are open.",
            "The thyroid gland is unremarkable.",
            "Bone structures show no destructive lesion.",
        ]);
        let mut sentences: Vec<String> = body.iter().map(|claim| claim.sentence.clone()).collect();
        sentences.insert(draws.below(sentences.len() as u32 + 1) as usize, normal.to_owned());
        let mut short = Vec::new();
        for finding in findings.iter().filter(|finding| !finding.hedged) {
            if let Some(row) = self.pick(finding.kind, "impression", draws) {
                short.push(claim(row, Some(finding), "present"));
            }
        }
        report.findings = sentences.join(" ");
        report.impression = if short.is_empty() {
            "No acute abnormality.".to_owned()
        } else {
            short.iter().map(|claim| claim.sentence.clone()).collect::<Vec<_>>().join(" ")
        };
        let reasons = ["Cough.", "Dyspnea.", "Chest pain.", "Staging.", "Fever."];
        (*draws.pick(&reasons)).clone_into(&mut report.clinical);
        report.technique = if is_later {
            "Non-contrast chest CT, compared with the previous examination.".to_owned()
        } else {
            "Chest CT in the axial plane.".to_owned()
        };
        report.claims = body.into_iter().chain(short).collect();
        report
    }

    fn present(&self, finding: &Finding, draws: &mut Draws) -> Claim {
        let moved = matches!(finding.change, Some(Change::Increased | Change::Decreased));
        let (form, assertion) =
            if finding.hedged && (finding.side.is_some() || !finding.kind.is_sided()) {
                ("hedged", "uncertain")
            } else if moved && finding.prior.is_some() && finding.kind.is_measured() {
                ("changed", "present")
            } else if finding.kind == Kind::PleuralEffusion && finding.side.is_none() {
                ("both", "present")
            } else {
                ("present", "present")
            };
        let row = self
            .pick(finding.kind, form, draws)
            .or_else(|| self.pick(finding.kind, "present", draws))
            .expect("every kind has a wording");
        claim(row, Some(finding), assertion)
    }

    fn absent(&self, kind: Kind, draws: &mut Draws) -> Claim {
        let row = self.pick(kind, "absent", draws).expect("every kind has a wording");
        claim(row, None, "absent")
    }
}

/// Fills a wording in.
fn claim(row: Wording, finding: Option<&Finding>, assertion: &'static str) -> Claim {
    let mut text = row.text.to_owned();
    let mut sizes = Vec::new();
    let (mut side, mut lobe, mut change) = (None, None, None);
    if let Some(finding) = finding {
        let millimetres = |value: f32| format!("{value:.0} mm");
        let mut put = |name: &str, value: &str| {
            let found = text.contains(name);
            text = text.replace(name, value);
            found
        };
        if put("{prior}", &millimetres(finding.prior.unwrap_or(finding.size))) {
            sizes.extend(finding.prior);
        }
        if put("{size}", &millimetres(finding.size)) {
            sizes.push(finding.size);
        }
        let [least, most] = finding.kind.sizes();
        let amount = match (finding.size - least) / (most - least).max(1.0) {
            part if part < 0.34 => "small",
            part if part < 0.67 => "moderate",
            _ => "large",
        };
        put("{amount}", amount);
        let word = finding.side.map_or("bilateral", Side::word);
        let place = finding.lobe.map_or("lung", Lobe::word);
        let mut capital = word.to_owned();
        capital[..1].make_ascii_uppercase();
        let has_side = [
            put("{place}", &format!("{word} {place}")),
            put("{side}", word),
            put("{Side}", &capital),
        ]
        .contains(&true);
        if row.text.contains("oth lungs") {
            side = Some("bilateral");
        } else if has_side || row.form == "both" {
            side = Some(word);
        }
        if row.anatomy == "{lobe}" {
            lobe = finding.lobe.map(Lobe::concept);
        }
        let word = finding.change.map(Change::word);
        if put("{change}", word.unwrap_or_default()) {
            change = word;
        }
    }
    let anatomy = match row.anatomy {
        "-" => None,
        "{lobe}" => lobe,
        other => Some(other),
    };
    Claim {
        sentence: text,
        concept: row.concept,
        assertion,
        side,
        anatomy,
        sizes_mm: sizes,
        change,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_can_be_said_in_every_way() {
        let wordings = Wordings::builtin();
        let mut draws = Draws::new("test", 1, 0);
        for &kind in Kind::ALL {
            for form in ["present", "absent", "hedged", "impression"] {
                assert!(wordings.pick(kind, form, &mut draws).is_some(), "{kind:?} {form}");
            }
        }
    }

    #[test]
    fn no_sentence_keeps_a_place_that_was_not_filled() {
        let wordings = Wordings::builtin();
        for seed in 0..200 {
            let mut draws = Draws::new("test", seed, 0);
            let findings: Vec<Finding> =
                Kind::ALL.iter().map(|&kind| Finding::draw(kind, &mut draws)).collect();
            let later: Vec<Finding> = findings.iter().map(|one| one.later(&mut draws)).collect();
            for findings in [&findings, &later] {
                let report = wordings.report(findings, false, &mut draws);
                let text = report.findings + &report.impression;
                assert!(!text.contains(['{', '}']), "{text}");
                assert!(!text.contains("bilateral lung"), "{text}");
            }
        }
    }
}

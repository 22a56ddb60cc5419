//! Who is in a phantom corpus, and what each study of theirs shows.

use super::anatomy::{Anatomy, LARGE_HEART};
use super::finding::{Change, Finding, Kind};
use crate::draws::Draws;

/// One patient in so many who comes back for a second study.
const COMES_BACK: usize = 8;
/// Share of the patients that are kept for validation.
const VALIDATION: f64 = 0.25;
/// Random choices of the patients with a finding that the best is taken of.
const CHOICES: u64 = 200;
/// Share of the studies that are reconstructed with a second kernel.
const SECOND_KERNEL: f32 = 0.12;

/// The part of the corpus that a patient is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Train,
    Valid,
}

impl Part {
    pub(super) const BOTH: [Self; 2] = [Self::Train, Self::Valid];

    /// Its name in paths of volumes.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "valid",
        }
    }

    /// Its name in paths of tables.
    pub(super) fn long_name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Valid => "validation",
        }
    }
}

/// One study.
#[derive(Debug, Clone)]
pub(super) struct Study {
    pub(super) part: Part,
    /// Number of the patient in the part, from 1.
    pub(super) patient: usize,
    /// Number of the patient in the corpus.
    pub(super) number: usize,
    pub(super) is_later: bool,
    pub(super) findings: Vec<Finding>,
    pub(super) has_second_kernel: bool,
}

impl Study {
    /// Name of the study, as `train_3_a`.
    pub(super) fn name(&self) -> String {
        let letter = if self.is_later { 'b' } else { 'a' };
        format!("{}_{}_{letter}", self.part.name(), self.patient)
    }

    /// Draws of one purpose for this study.
    pub(super) fn draws(&self, purpose: &str, seed: u64) -> Draws {
        Draws::new(purpose, seed, 2 * self.number as u64 + u64::from(self.is_later))
    }

    /// The patient's body, which is the same at every study but for the heart.
    pub(super) fn anatomy(&self, seed: u64) -> Anatomy {
        let mut draws = Draws::new("phantom anatomy", seed, self.number as u64);
        let mut anatomy = Anatomy::draw(&mut draws);
        if self.finding(Kind::Cardiomegaly).is_some() {
            let ratio = draws.between(LARGE_HEART[0], LARGE_HEART[1]);
            anatomy.set_heart(ratio, &mut draws);
        }
        anatomy
    }

    pub(super) fn finding(&self, kind: Kind) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.kind == kind)
    }
}

/// Draws the studies of a corpus, at least one. Every finding has its share of each part, so that a part of some size has enough
/// studies with and without it.
pub(super) fn draw(studies: usize, seed: u64) -> Vec<Study> {
    let back = studies / COMES_BACK;
    let patients = studies - back;
    let valid = (patients as f64 * VALIDATION).round() as usize;
    let valid_back = back * valid / patients;
    let parts =
        [(Part::Train, patients - valid, back - valid_back), (Part::Valid, valid, valid_back)];
    let mut all = Vec::with_capacity(studies);
    let mut number = 0;
    for (part, count, back) in parts {
        let has = who_has_what(part, count, seed);
        let comes_back =
            Draws::new(&format!("phantom {} back", part.name()), seed, 0).taken(count, back);
        for patient in 0..count {
            let mut draws = Draws::new("phantom findings", seed, number as u64);
            let findings: Vec<Finding> = Kind::ALL
                .iter()
                .zip(&has)
                .filter(|(_, has)| has[patient])
                .map(|(&kind, _)| Finding::draw(kind, &mut draws))
                .collect();
            let first = Study {
                part,
                patient: patient + 1,
                number,
                is_later: false,
                has_second_kernel: draws.chance(SECOND_KERNEL),
                findings,
            };
            let second = comes_back[patient].then(|| later_study(&first, &mut draws));
            all.push(first);
            all.extend(second);
            number += 1;
        }
    }
    all
}

/// For each kind which of `count` patients have it. Of some random choices that is taken which goes least together with
/// the kinds before, so that no finding can be told from another one.
fn who_has_what(part: Part, count: usize, seed: u64) -> Vec<Vec<bool>> {
    let mut chosen: Vec<Vec<bool>> = Vec::new();
    for kind in Kind::ALL {
        let with = (kind.share() * count as f64).round() as usize;
        let purpose = format!("phantom {} {}", part.name(), kind.key());
        let choice = |attempt: u64| Draws::new(&purpose, seed, attempt).taken(count, with);
        let togetherness = |has: &Vec<bool>| -> f64 {
            let excess = |other: &Vec<bool>| {
                let both = has.iter().zip(other).filter(|(one, two)| **one && **two).count();
                let others = other.iter().filter(|has| **has).count();
                both as f64 - (with * others) as f64 / count.max(1) as f64
            };
            chosen.iter().map(|other| excess(other).powi(2)).sum()
        };
        let best = (0..CHOICES)
            .map(choice)
            .min_by(|a, b| togetherness(a).total_cmp(&togetherness(b)))
            .unwrap_or_default();
        chosen.push(best);
    }
    chosen
}

/// The study after `first`: most findings are still there, one may be new.
fn later_study(first: &Study, draws: &mut Draws) -> Study {
    let mut findings: Vec<Finding> = Vec::new();
    for &kind in Kind::ALL {
        match first.finding(kind) {
            Some(finding) if kind == Kind::Cardiomegaly || draws.chance(0.75) => {
                findings.push(finding.later(draws));
            }
            None if kind != Kind::Cardiomegaly && draws.chance(0.06) => {
                let mut finding = Finding::draw(kind, draws);
                finding.change = Some(Change::New);
                findings.push(finding);
            }
            _ => {}
        }
    }
    Study { is_later: true, has_second_kernel: false, findings, ..first.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_studies_as_asked_for_and_no_patient_is_in_two_parts() {
        for count in [1, 7, 64, 192, 193] {
            let studies = draw(count, 5);
            assert_eq!(studies.len(), count);
            for study in &studies {
                let same: Vec<_> =
                    studies.iter().filter(|other| other.number == study.number).collect();
                assert!(same.iter().all(|other| other.part == study.part));
                assert!(same.len() <= 2);
            }
        }
    }

    #[test]
    fn findings_come_independently_of_each_other() {
        let studies: Vec<Study> =
            draw(192, 3).into_iter().filter(|study| !study.is_later).collect();
        for part in Part::BOTH {
            let own: Vec<&Study> = studies.iter().filter(|study| study.part == part).collect();
            let share = |has: &dyn Fn(&Study) -> bool| {
                own.iter().filter(|study| has(study)).count() as f64 / own.len() as f64
            };
            for &a in Kind::ALL {
                for &b in Kind::ALL.iter().filter(|&&b| b > a) {
                    let has = |study: &Study, kind| study.finding(kind).is_some();
                    let (p, q) = (share(&|study| has(study, a)), share(&|study| has(study, b)));
                    let both = share(&|study| has(study, a) && has(study, b));
                    let correlation = (both - p * q) / (p * (1.0 - p) * q * (1.0 - q)).sqrt();
                    assert!(correlation.abs() < 0.25, "{a:?} {b:?} {correlation}");
                }
            }
        }
    }

    #[test]
    fn validation_has_enough_of_every_label_at_any_seed() {
        for seed in 0..20 {
            let studies = draw(192, seed);
            for kind in Kind::ALL.iter().filter(|kind| kind.label().is_some()) {
                let valid = studies.iter().filter(|study| study.part == Part::Valid);
                let with = valid.clone().filter(|study| study.finding(*kind).is_some()).count();
                let without = valid.count() - with;
                assert!(with >= 10 && without >= 10, "{kind:?} {with} {without}");
            }
        }
    }
}

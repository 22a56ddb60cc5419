//! Other spellings of a word: the British one, and one with a single wrong letter.

/// American spellings inside words and what British English writes for them.
const BRITISH: [(&str, &str); 25] = [
    ("gastroesoph", "gastro oesoph"),
    ("edema", "oedema"),
    ("esoph", "oesoph"),
    ("hemo", "haemo"),
    ("hema", "haema"),
    ("ischem", "ischaem"),
    ("leukem", "leukaem"),
    ("anemi", "anaemi"),
    ("septicem", "septicaem"),
    ("gynec", "gynaec"),
    ("orthoped", "orthopaed"),
    ("cecum", "caecum"),
    ("cecal", "caecal"),
    ("fecal", "faecal"),
    ("tumor", "tumour"),
    ("caliber", "calibre"),
    ("center", "centre"),
    ("fiber", "fibre"),
    ("gray", "grey"),
    ("favor", "favour"),
    ("lized", "lised"),
    ("rized", "rised"),
    ("nizing", "nising"),
    ("lization", "lisation"),
    ("rization", "risation"),
];

/// Words of their own that are one letter away from a term, sorted: `confusion` is no contusion.
#[rustfmt::skip]
const OTHER_WORDS: [&str; 135] = [
    "ablution", "addition", "altercation", "alternation", "arachnid", "artefact", "auditory",
    "beeping", "booming", "breeding", "callouses", "cleaning", "colonies", "concern",
    "concerts", "confusion", "confusions", "contents", "contract", "contracted", "contrast",
    "contrasted", "decease", "deceased", "decreed", "dilution", "displayed", "displays",
    "evacuate", "evacuated", "evacuation", "exacted", "expender", "expenders", "fittings",
    "follower", "gastrins", "grafting", "granting", "granulate", "homogeneity", "identify",
    "immature", "inflection", "inflections", "infracted", "infraction", "infractions",
    "injected", "injection", "injections", "intensify", "interior", "interiors", "inverses",
    "linguas", "material", "maternal", "mediation", "medically", "meditation", "metencephalon",
    "metencephalons", "nephrotomy", "neurosis", "neurotic", "operates", "osteogenic",
    "osteoplastic", "pallium", "palliums", "parabolic", "peacemaker", "pedicels", "perineal",
    "peritonea", "peroneal", "personal", "pintails", "polyploid", "positron", "precession",
    "precious", "preservers", "preserves", "process", "projection", "prostrate", "protection",
    "punctuate", "pupillary", "reception", "recessive", "redaction", "refection", "rejection",
    "rejections", "relaxation", "reorder", "repression", "repressive", "resealed", "resection",
    "resolution", "retained", "revered", "reverted", "revolution", "sanding", "secretin",
    "secretins", "selection", "shattered", "simulator", "solidary", "spattered", "specular",
    "speculated", "spheroid", "spheroidal", "stimulating", "stratum", "subrenal", "swallows",
    "syringes", "taction", "tapping", "thinking", "thrombins", "torturous", "trapping",
    "urethral", "vehicles", "vertebrate", "vertebrates",
];

/// Whether a word that looks like a misspelt term is another word.
pub(crate) fn is_other_word(word: &str) -> bool {
    OTHER_WORDS.binary_search(&word).is_ok()
}

/// The British spelling of a folded phrase, if it is another one.
pub(crate) fn british(phrase: &str) -> Option<String> {
    // Most phrases hold none of them; one walk over the bytes tells.
    let holds = (0..phrase.len()).any(|at| {
        let rest = phrase.as_bytes().get(at..).unwrap_or_default();
        matches!(rest, [b'a' | b'c' | b'e'..=b'i' | b'l' | b'n' | b'o' | b'r' | b's' | b't', ..])
            && BRITISH.iter().any(|(american, _)| rest.starts_with(american.as_bytes()))
    });
    if !holds {
        return None;
    }
    let mut spelt = phrase.to_owned();
    for (american, british) in BRITISH {
        if spelt.contains(american) && !spelt.contains(british) {
            spelt = spelt.replace(american, british);
        }
    }
    (spelt != phrase).then_some(spelt)
}

/// Whether two words of ASCII have the same letters in any order.
pub(crate) fn same_letters(a: &str, b: &str) -> bool {
    let counts = |word: &str| {
        let mut counts = [0_u8; 128];
        for byte in word.bytes() {
            if let Some(count) = counts.get_mut(usize::from(byte)) {
                *count = count.saturating_add(1);
            }
        }
        counts
    };
    counts(a) == counts(b)
}

/// Whether one insertion, deletion, substitution or swap of neighbours turns `a` into `b`.
pub(crate) fn within_one_edit(a: &[u8], b: &[u8]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if long.len() - short.len() > 1 {
        return false;
    }
    let prefix = short.iter().zip(long).take_while(|(x, y)| x == y).count();
    let suffix = short.iter().rev().zip(long.iter().rev()).take_while(|(x, y)| x == y).count();
    if prefix + suffix + 1 >= long.len() {
        return true;
    }
    // Two neighbouring letters changed places.
    short.len() == long.len()
        && prefix + suffix + 2 == long.len()
        && short.get(prefix) == long.get(prefix + 1)
        && short.get(prefix + 1) == long.get(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn american_words_have_a_british_spelling() {
        let pairs = [
            ("pulmonary edema", "pulmonary oedema"),
            ("gastroesophageal reflux", "gastro oesophageal reflux"),
            ("subarachnoid hemorrhage", "subarachnoid haemorrhage"),
            ("organizing pneumonia", "organising pneumonia"),
        ];
        for (american, expected) in pairs {
            assert_eq!(british(american).as_deref(), Some(expected));
            assert_eq!(british(expected), None, "{expected} is British already");
        }
        assert_eq!(british("hemithorax, 5 mm sized"), None);
    }

    #[test]
    fn other_words_are_sorted() {
        assert!(OTHER_WORDS.is_sorted());
        assert!(is_other_word("confusion") && !is_other_word("contusion"));
    }

    #[test]
    fn one_edit_is_one_letter_or_one_swap() {
        for (wrong, right) in
            [("efusion", "effusion"), ("effussion", "effusion"), ("pneumothroax", "pneumothorax")]
        {
            assert!(within_one_edit(wrong.as_bytes(), right.as_bytes()), "{wrong}");
        }
        assert!(!within_one_edit(b"perfusion", b"effusion"));
        assert!(same_letters("pneumothroax", "pneumothorax"));
        assert!(!same_letters("hepatoma", "hematoma"));
    }
}

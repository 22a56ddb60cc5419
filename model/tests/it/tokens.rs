//! Maps from tokens to sentences and entities against the offsets of the `tokenizers` library in Python.
//! `tests/goldens/make_token_goldens.py` wrote the file.

use std::collections::BTreeMap;

use radloom_model::text::ReportTokenizer;
use schemas::study::{EntitySpan, Sentence as Text};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    tokenizer: serde_json::Value,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    sentences: Vec<Sentence>,
    ids: Vec<u32>,
    sentence: Vec<i32>,
    entity: Vec<i32>,
}

#[derive(Deserialize)]
struct Sentence {
    text: String,
    entities: Vec<(u32, u32)>,
}

#[test]
fn tokens_map_as_the_library_s_offsets_say() {
    let goldens: BTreeMap<String, Golden> =
        serde_json::from_str(include_str!("../goldens/tokens.json")).expect("goldens");
    assert_eq!(goldens.len(), 2);
    for (name, golden) in goldens {
        let tokenizer =
            ReportTokenizer::from_json(&golden.tokenizer.to_string()).expect("tokenizer");
        for case in golden.cases {
            let sentences: Vec<Text> = case
                .sentences
                .into_iter()
                .map(|sentence| Text {
                    text: sentence.text,
                    entities: sentence
                        .entities
                        .into_iter()
                        .map(|(start, end)| EntitySpan { node: 0, start, end })
                        .collect(),
                    ..Text::default()
                })
                .collect();
            let encoded = tokenizer.encode(&sentences, 512).expect("encodes");
            let inner = 1..encoded.ids.len() - 1;
            assert_eq!(encoded.ids[inner.clone()], case.ids, "{name}");
            assert_eq!(encoded.sentence[inner.clone()], case.sentence, "{name}");
            assert_eq!(encoded.entity[inner], case.entity, "{name}");
            for end in [0, encoded.ids.len() - 1] {
                assert_eq!((encoded.sentence[end], encoded.entity[end]), (-1, -1), "{name}");
            }
        }
    }
}

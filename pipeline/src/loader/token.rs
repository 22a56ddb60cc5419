//! Where training stood, and what must match to go on from there.

use std::collections::BTreeSet;

use schemas::format::{FormatHeader, NewerVersion, check_version};
use schemas::manifest::train::{InputSection, OrderSection};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::order::OrderPlan;

/// Version of the token's format.
const VERSION: u32 = 1;

/// What the token is called in messages.
const KIND: &str = "data position of a checkpoint";

/// The position that the optimizer consumed. Kept inside a model checkpoint. Fields that a later version of
/// radloom adds are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumeToken {
    /// Version of this format.
    pub version: u32,
    /// Identity of the release.
    pub release_id: String,
    /// Fingerprint of the samples.
    pub fingerprint: String,
    /// Hash of seed, global batch, rules of the order and studies.
    pub plan: u64,
    /// Samples consumed.
    pub position: u64,
    /// Keys of `[train]` that order and samples follow from, so that a mismatch names what differs; tokens of
    /// version 0.2 have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_of: Option<Value>,
    /// Hash of the ids of the last samples before the position: another order of the same plan is noticed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent: Option<u64>,
}

/// A token that does not fit the data it is used with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// A field differs.
    #[error(
        "the checkpoint's data do not match: `{field}` is `{found}`, but the checkpoint was made with `{expected}`"
    )]
    Mismatch {
        /// Which field.
        field: String,
        /// Value of the checkpoint.
        expected: String,
        /// Value of the data at hand.
        found: String,
    },
    /// The token is not readable.
    #[error("failed to read the data position of the checkpoint: {0}")]
    Syntax(#[from] serde_json::Error),
    /// The token is of a newer version.
    #[error(transparent)]
    Newer(#[from] NewerVersion),
}

impl ResumeToken {
    /// A token at `position`.
    pub fn new(release_id: &str, fingerprint: &str, plan: u64, position: u64) -> Self {
        Self {
            version: VERSION,
            release_id: release_id.to_owned(),
            fingerprint: fingerprint.to_owned(),
            plan,
            position,
            made_of: None,
            recent: None,
        }
    }

    /// Reads a token.
    ///
    /// # Errors
    ///
    /// [`TokenError::Newer`] before anything else is judged, [`TokenError::Syntax`] where it is unreadable.
    pub fn from_json(value: &serde_json::Value) -> Result<Self, TokenError> {
        let header = FormatHeader::deserialize(value)?;
        check_version(KIND, header.version, VERSION)?;
        Ok(Self::deserialize(value)?)
    }

    /// Whether this token continues on the data that `current` stands on.
    ///
    /// # Errors
    ///
    /// [`TokenError::Mismatch`], naming the field; it is never a warning, because training would go
    /// on with other data than it says.
    pub fn check(&self, current: &Self) -> Result<(), TokenError> {
        let mismatch = |field: &str, expected: &dyn ToString, found: &dyn ToString| {
            Err(TokenError::Mismatch {
                field: field.to_owned(),
                expected: expected.to_string(),
                found: found.to_string(),
            })
        };
        if self.fingerprint != current.fingerprint {
            return mismatch("fingerprint", &self.fingerprint, &current.fingerprint);
        }
        if self.release_id != current.release_id {
            return mismatch("release_id", &self.release_id, &current.release_id);
        }
        if let (Some(mine), Some(other)) = (&self.made_of, &current.made_of)
            && let Some([key, mine, other]) = difference("train", mine, other)
        {
            return mismatch(&key, &mine, &other);
        }
        if self.plan != current.plan {
            return mismatch("plan", &self.plan, &current.plan);
        }
        if let (Some(mine), Some(other)) = (self.recent, current.recent)
            && self.position == current.position
            && mine != other
        {
            return mismatch("recent", &mine, &other);
        }
        Ok(())
    }
}

/// The keys of `[train]` that order and samples follow from, as a token keeps them.
pub(super) fn made_of(plan: OrderPlan, input: InputSection) -> Value {
    let OrderPlan { seed, batch, rules } = plan;
    let rules = OrderSection { tail: Some(rules.tail()), ..rules };
    // How voxels are compared with their hashes changes no sample.
    let InputSection { crops, augment, .. } = input;
    let input = InputSection { crops, augment, ..InputSection::default() };
    serde_json::json!({ "seed": seed, "batch": batch, "order": rules, "input": input })
}

/// The first key below `key` at which two values differ, with both. A key that one of them lacks, as an earlier version
/// did not know it, counts as `nothing`, and as equal to what turns a feature off.
fn difference(key: &str, mine: &Value, other: &Value) -> Option<[String; 3]> {
    if let (Value::Object(mine), Value::Object(other)) = (mine, other) {
        let names: BTreeSet<&String> = mine.keys().chain(other.keys()).collect();
        return names.into_iter().find_map(|name| {
            let value = |from: &'_ Map<String, Value>| from.get(name).cloned().unwrap_or_default();
            difference(&format!("{key}.{name}"), &value(mine), &value(other))
        });
    }
    let is_off = |value: &Value| match value {
        Value::Null => true,
        Value::Bool(on) => !on,
        Value::Object(keys) => keys.is_empty(),
        _ => false,
    };
    if mine == other || (is_off(mine) && is_off(other)) {
        return None;
    }
    let shown = |value: &Value| match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Some([key.to_owned(), shown(mine), shown(other)])
}

#[cfg(test)]
mod tests {
    use schemas::manifest::train::{CropDraw, CropPlace, Distinct};

    use super::*;

    #[test]
    fn a_token_of_other_data_is_refused_by_the_field_that_differs() {
        let token = ResumeToken::new("r", "f", 1, 12);
        token.check(&ResumeToken::new("r", "f", 1, 0)).expect("the same data");
        let refused = token.check(&ResumeToken::new("r", "g", 1, 0)).expect_err("refused");
        assert!(refused.to_string().contains("`fingerprint` is `g`"), "{refused}");
        let json = serde_json::to_value(&token).expect("plain data");
        assert_eq!(ResumeToken::from_json(&json).expect("reads"), token);
    }

    #[test]
    fn a_token_of_another_plan_is_refused_by_the_key_that_differs() {
        let plan = OrderPlan { seed: 1, batch: 4, rules: OrderSection::default() };
        let input = InputSection::default();
        let facts = (plan, input);
        let token = |hash, (plan, input), recent| ResumeToken {
            made_of: Some(made_of(plan, input)),
            recent: Some(recent),
            ..ResumeToken::new("r", "f", hash, 12)
        };
        let made = token(1, facts, 7);
        made.check(&token(1, facts, 7)).expect("the same plan");
        let tail = OrderSection { tail: Some(plan.rules.tail()), ..plan.rules };
        made.check(&token(1, (OrderPlan { rules: tail, ..plan }, input), 7))
            .expect("a default that is written out is the same plan");
        let rules = OrderSection { distinct: Distinct::Patient, ..plan.rules };
        let draw = CropDraw { count: 2, size: [8; 3], place: CropPlace::Anywhere };
        let crops = InputSection { crops: Some(draw), ..input };
        let larger = InputSection { crops: Some(CropDraw { size: [9, 8, 8], ..draw }), ..input };
        let refused = token(1, (plan, crops), 7).check(&token(1, (plan, larger), 7));
        let message = "`train.input.crops.size` is `[9,8,8]`";
        assert!(refused.expect_err("other crops").to_string().contains(message));
        for (other, message) in [
            (token(2, (OrderPlan { seed: 2, ..plan }, input), 7), "`train.seed` is `2`"),
            (token(2, (OrderPlan { batch: 8, ..plan }, input), 7), "`train.batch` is `8`"),
            (
                token(2, (OrderPlan { rules, ..plan }, input), 7),
                "`train.order.distinct` is `patient`",
            ),
            (token(1, (plan, crops), 7), "`train.input.crops` is `{\"count\":2"),
            (token(2, facts, 7), "`plan` is `2`"),
            (token(1, facts, 8), "`recent` is `8`"),
        ] {
            let refused = made.check(&other).expect_err("another plan").to_string();
            assert!(refused.contains(message), "{refused}");
        }
        assert!(serde_json::to_vec(&made).expect("plain data").len() <= 1024);
    }

    #[test]
    fn added_fields_are_passed_over_and_a_newer_version_is_refused_by_its_number() {
        let token = ResumeToken::new("r", "f", 1, 12);
        let mut json = serde_json::to_value(&token).expect("plain data");
        json["revision"] = 4.into();
        json["rolling_hash"] = "abc".into();
        assert_eq!(ResumeToken::from_json(&json).expect("reads"), token);
        json["version"] = 2.into();
        json["position"] = "now a text".into();
        let refused = ResumeToken::from_json(&json).expect_err("newer");
        assert!(matches!(refused, TokenError::Newer(_)), "{refused}");
        assert!(refused.to_string().contains("version 2"), "{refused}");
    }
}

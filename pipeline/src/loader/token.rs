//! Where training stood, and what must match to go on from there.

use schemas::format::{FormatHeader, NewerVersion, check_version};
use serde::{Deserialize, Serialize};

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
    /// What the plan was made of, so that a mismatch names what differs; tokens of version 0.2 have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_of: Option<OrderPlan>,
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
        field: &'static str,
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
        let mismatch = |field, expected: &dyn ToString, found: &dyn ToString| {
            Err(TokenError::Mismatch {
                field,
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
        if let (Some(mine), Some(other)) = (&self.made_of, &current.made_of) {
            if mine.seed != other.seed {
                return mismatch("train.seed", &mine.seed, &other.seed);
            }
            if mine.batch != other.batch {
                return mismatch("train.batch", &mine.batch, &other.batch);
            }
            let (mine, other) = (mine.rules, other.rules);
            if mine.distinct != other.distinct {
                return mismatch("train.order.distinct", &mine.distinct, &other.distinct);
            }
            if mine.tail() != other.tail() {
                return mismatch("train.order.tail", &mine.tail(), &other.tail());
            }
            if mine.series != other.series {
                return mismatch("train.order.series", &mine.series, &other.series);
            }
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

#[cfg(test)]
mod tests {
    use schemas::manifest::train::{Distinct, OrderSection};

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
        let facts = OrderPlan { seed: 1, batch: 4, rules: OrderSection::default() };
        let token = |plan, facts, recent| ResumeToken {
            made_of: Some(facts),
            recent: Some(recent),
            ..ResumeToken::new("r", "f", plan, 12)
        };
        let made = token(1, facts, 7);
        made.check(&token(1, facts, 7)).expect("the same plan");
        let rules = OrderSection { distinct: Distinct::Patient, ..facts.rules };
        for (other, message) in [
            (token(2, OrderPlan { seed: 2, ..facts }, 7), "`train.seed` is `2`"),
            (token(2, OrderPlan { batch: 8, ..facts }, 7), "`train.batch` is `8`"),
            (token(2, OrderPlan { rules, ..facts }, 7), "`train.order.distinct` is `patient`"),
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

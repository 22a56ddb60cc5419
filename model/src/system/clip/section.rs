//! The keys of `[train.model]` and `[train.objectives]` of `clip`. Defaults stand here and nowhere else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::encoder::{ImageEncoderError, ImageEncoderKind, ImageEncoderTables, TextEncoderConfig};
use crate::system::language::{TextArchitecture, TextModel};

/// Shortest token sequence that holds a report.
const MIN_TOKENS: usize = 8;

/// `[train.model]` of `clip`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClipKeys {
    /// Image encoder. Default: `swin3d`.
    pub encoder: ImageEncoderKind,
    /// Numbers of the image encoders, a table each.
    pub image: ImageEncoderTables,
    /// Text encoder. Default: 64 channels, 2 layers, 4 heads, 192 tokens, 4096 words.
    pub text: TextModel,
    /// Channels of the space where image and report meet. Default: 64.
    pub projection_dim: usize,
}

impl Default for ClipKeys {
    fn default() -> Self {
        Self {
            encoder: ImageEncoderKind::Swin3d,
            image: ImageEncoderTables::default(),
            text: TextModel::default(),
            projection_dim: 64,
        }
    }
}

/// `[train.objectives]` of `clip`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClipObjectives {
    /// Divisor of the cosines at the start; it is learned. From 0.01 on. Default: 0.07.
    pub temperature: f64,
}

impl Default for ClipObjectives {
    fn default() -> Self {
        Self { temperature: 0.07 }
    }
}

/// Why a `clip` model cannot be built.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClipKeysError {
    /// The image encoder does not fit.
    #[error(transparent)]
    Image(#[from] ImageEncoderError),
    /// Heads do not divide channels.
    #[error("failed to build model: `text.heads` {heads} does not divide {hidden} channels")]
    TextHeads {
        /// Heads.
        heads: usize,
        /// Channels.
        hidden: usize,
    },
    /// Reports may be longer than the text encoder allows.
    #[error(
        "failed to build model: `text.max_tokens` {tokens} must be between {MIN_TOKENS} and the {positions} positions of the text encoder"
    )]
    Tokens {
        /// Longest report.
        tokens: usize,
        /// Positions of the encoder.
        positions: usize,
    },
    /// The space of the vectors is empty.
    #[error("failed to build model: `projection_dim` must be at least 1")]
    Projection,
    /// The temperature cannot be used.
    #[error("failed to build model: `temperature` must be a number from 0.01 to 100")]
    Temperature,
}

impl ClipKeys {
    /// Numbers of the text encoder, the defaults filled in.
    pub fn text(&self) -> TextArchitecture {
        self.text.resolve(&TextArchitecture {
            hidden: 64,
            layers: 2,
            heads: 4,
            max_tokens: 192,
            vocabulary: 4096,
            pretrained: None,
            frozen: false,
        })
    }

    /// Checks that the numbers fit together and a volume, `[channels, depth, height, width]`; `text` is the
    /// text encoder as it will be built.
    ///
    /// # Errors
    /// One [`ClipKeysError`] for the first that does not.
    pub fn check(&self, volume: [usize; 4], text: &TextEncoderConfig) -> Result<(), ClipKeysError> {
        self.image.check(self.encoder, volume)?;
        let (heads, hidden) = (text.num_attention_heads, text.hidden_size);
        if heads == 0 || hidden == 0 || !hidden.is_multiple_of(heads) {
            return Err(ClipKeysError::TextHeads { heads, hidden });
        }
        let (tokens, positions) = (self.text().max_tokens, text.max_position_embeddings);
        if tokens < MIN_TOKENS || tokens > positions {
            return Err(ClipKeysError::Tokens { tokens, positions });
        }
        if self.projection_dim == 0 {
            return Err(ClipKeysError::Projection);
        }
        Ok(())
    }
}

impl ClipObjectives {
    /// Checks the constants.
    ///
    /// # Errors
    /// [`ClipKeysError::Temperature`].
    pub fn check(&self) -> Result<(), ClipKeysError> {
        if (0.01..=100.0).contains(&self.temperature) {
            Ok(())
        } else {
            Err(ClipKeysError::Temperature)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOLUME: [usize; 4] = [2, 32, 32, 48];

    #[test]
    fn defaults_fit_and_numbers_that_do_not_are_named() {
        let keys = ClipKeys::default();
        let text = TextEncoderConfig::new(100, 64, 2, 4, 256, 192);
        assert_eq!(keys.check(VOLUME, &text), Ok(()));
        let long = TextModel { max_tokens: Some(193), ..TextModel::default() };
        let refused = ClipKeys { text: long, ..keys.clone() }.check(VOLUME, &text);
        assert_eq!(refused, Err(ClipKeysError::Tokens { tokens: 193, positions: 192 }));
        assert!(matches!(keys.check([1, 30, 32, 48], &text), Err(ClipKeysError::Image(_))));
        for temperature in [0.0, -1.0, f64::NAN, 1e-6] {
            assert!(ClipObjectives { temperature }.check().is_err(), "{temperature}");
        }
    }

    #[test]
    fn an_unknown_key_is_refused_at_every_depth() {
        for text in [
            r#"{"encoders": "vit3d"}"#,
            r#"{"image": {"vit3d": {"breadth": 3}}}"#,
            r#"{"text": {"size": 3}}"#,
            r#"{"encoder": "resnet"}"#,
        ] {
            serde_json::from_str::<ClipKeys>(text).expect_err(text);
        }
        let keys: ClipKeys =
            serde_json::from_str(r#"{"encoder": "vit3d", "image": {"vit3d": {"width": 32}}}"#)
                .expect("keys");
        assert_eq!(keys.image.width(keys.encoder), 32);
    }
}

//! Enums whose variants have a name and a description: one list gives both, and all that goes with them.

/// Defines an enum from one list of `Variant = "name"`.
///
/// The name is a contract: it is what serde writes and reads, what tables hold and what users type. Names
/// that were used before can follow as `Variant = "name" | "former-name"`: they are read, never written.
///
/// The enum gets `ALL` (in the order of the list), `name()`, `doc()` (the doc comment of the variant as one
/// line), `from_name()` and `Display`, beside the usual derives and serde's. Further derives, such as
/// `JsonSchema`, `Default` or `PartialOrd`, are written above the enum.
///
/// ```
/// radloom_schemas::named_enum! {
///     /// Part of the body.
///     pub enum Region {
///         /// From the collar bones
///         /// to the diaphragm.
///         Chest = "chest" | "thorax",
///         /// Below the diaphragm.
///         Abdomen = "abdomen",
///     }
/// }
/// assert_eq!(Region::ALL, [Region::Chest, Region::Abdomen]);
/// assert_eq!(Region::Chest.name(), "chest");
/// assert_eq!(Region::Chest.doc(), "From the collar bones to the diaphragm.");
/// assert_eq!(Region::from_name("thorax"), Some(Region::Chest));
/// assert_eq!(serde_json::to_string(&Region::Abdomen).expect("plain data"), "\"abdomen\"");
/// ```
#[macro_export]
macro_rules! named_enum {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $enum:ident {
            $(
                $(#[doc = $doc:literal])+
                $(#[default $($default:tt)?])?
                $variant:ident = $name:literal $(| $former:literal)*
            ),+ $(,)?
        }
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        $visibility enum $enum {
            $(
                $(#[doc = $doc])+
                $(#[default $($default)?])?
                #[serde(rename = $name $(, alias = $former)*)]
                $variant,
            )+
        }

        impl $enum {
            /// Every variant, in the order of the list.
            pub const ALL: [Self; { [$($name),+].len() }] = [$(Self::$variant),+];

            /// The name that is written.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// What the variant means, in one line.
            pub const fn doc(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($doc),+).trim_ascii(),)+
                }
            }

            /// The variant of this name, or of a former one.
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name $(| $former)* => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str(self.name())
            }
        }
    };
}

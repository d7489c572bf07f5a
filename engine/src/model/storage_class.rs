//! Storage classes, as listings name them.

use std::fmt;

/// A storage class. Unknown names are kept, because providers invent their own (model text: `StorageClass`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum StorageClass {
    #[default]
    Standard,
    ReducedRedundancy,
    StandardIa,
    OnezoneIa,
    IntelligentTiering,
    Glacier,
    DeepArchive,
    GlacierIr,
    Other(Box<str>),
}

impl StorageClass {
    /// The class of that name; an empty name is STANDARD, which HEAD leaves out.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        match name {
            "" | "STANDARD" => Self::Standard,
            "REDUCED_REDUNDANCY" => Self::ReducedRedundancy,
            "STANDARD_IA" => Self::StandardIa,
            "ONEZONE_IA" => Self::OnezoneIa,
            "INTELLIGENT_TIERING" => Self::IntelligentTiering,
            "GLACIER" => Self::Glacier,
            "DEEP_ARCHIVE" => Self::DeepArchive,
            "GLACIER_IR" => Self::GlacierIr,
            other => Self::Other(other.into()),
        }
    }

    /// The name S3 uses.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Standard => "STANDARD",
            Self::ReducedRedundancy => "REDUCED_REDUNDANCY",
            Self::StandardIa => "STANDARD_IA",
            Self::OnezoneIa => "ONEZONE_IA",
            Self::IntelligentTiering => "INTELLIGENT_TIERING",
            Self::Glacier => "GLACIER",
            Self::DeepArchive => "DEEP_ARCHIVE",
            Self::GlacierIr => "GLACIER_IR",
            Self::Other(name) => name,
        }
    }

    /// True where the bytes cannot be read before a RestoreObject. INTELLIGENT_TIERING's archive tiers are
    /// not visible in a listing, so they are not counted here (S3 facts, section 7).
    #[must_use]
    pub fn is_archive(&self) -> bool {
        matches!(self, Self::Glacier | Self::DeepArchive)
    }
}

impl fmt::Display for StorageClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

//! The element names of the three list responses, found by length and then by bytes.

/// A known element, by its local name. `Other` is skipped with everything in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    ChecksumAlgorithm,
    ChecksumType,
    Code,
    CommonPrefixes,
    Contents,
    DeleteMarker,
    ETag,
    EncodingType,
    Error,
    ID,
    IsLatest,
    IsRestoreInProgress,
    IsTruncated,
    Key,
    KeyCount,
    LastModified,
    ListBucketResult,
    ListVersionsResult,
    Message,
    NextContinuationToken,
    NextKeyMarker,
    NextMarker,
    NextVersionIdMarker,
    Owner,
    Prefix,
    RestoreExpiryDate,
    RestoreStatus,
    Size,
    StorageClass,
    Version,
    VersionId,
    Other,
}

/// The variant among those given whose own name the bytes are.
macro_rules! pick {
    ($bytes:expr, $($name:ident)+) => {
        $(if $bytes == stringify!($name).as_bytes() { Name::$name } else)+ { Name::Other }
    };
}

impl Name {
    /// The element of that local name. Case matters, as everywhere in XML.
    pub(super) fn of(local: &[u8]) -> Self {
        match local.len() {
            2 => pick!(local, ID),
            3 => pick!(local, Key),
            4 => pick!(local, Size ETag Code),
            5 => pick!(local, Owner Error),
            6 => pick!(local, Prefix),
            7 => pick!(local, Version Message),
            8 => pick!(local, Contents IsLatest KeyCount),
            9 => pick!(local, VersionId),
            10 => pick!(local, NextMarker),
            11 => pick!(local, IsTruncated),
            12 => pick!(local, LastModified StorageClass ChecksumType DeleteMarker EncodingType),
            13 => pick!(local, NextKeyMarker RestoreStatus),
            14 => pick!(local, CommonPrefixes),
            16 => pick!(local, ListBucketResult),
            17 => pick!(local, ChecksumAlgorithm RestoreExpiryDate),
            18 => pick!(local, ListVersionsResult),
            19 => pick!(local, NextVersionIdMarker IsRestoreInProgress),
            21 => pick!(local, NextContinuationToken),
            _ => Self::Other,
        }
    }

    /// A bit of its own, for "seen" sets.
    pub(super) const fn bit(self) -> u64 {
        1 << (self as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_itself() {
        let all = [
            Name::ChecksumAlgorithm,
            Name::ChecksumType,
            Name::Code,
            Name::CommonPrefixes,
            Name::Contents,
            Name::DeleteMarker,
            Name::ETag,
            Name::EncodingType,
            Name::Error,
            Name::ID,
            Name::IsLatest,
            Name::IsRestoreInProgress,
            Name::IsTruncated,
            Name::Key,
            Name::KeyCount,
            Name::LastModified,
            Name::ListBucketResult,
            Name::ListVersionsResult,
            Name::Message,
            Name::NextContinuationToken,
            Name::NextKeyMarker,
            Name::NextMarker,
            Name::NextVersionIdMarker,
            Name::Owner,
            Name::Prefix,
            Name::RestoreExpiryDate,
            Name::RestoreStatus,
            Name::Size,
            Name::StorageClass,
            Name::Version,
            Name::VersionId,
        ];
        let mut bits = 0;
        for name in all {
            assert_eq!(Name::of(format!("{name:?}").as_bytes()), name);
            bits |= name.bit();
        }
        assert_eq!(bits.count_ones() as usize, all.len());
        assert_eq!(Name::of(b"key"), Name::Other);
        assert_eq!(Name::of(b""), Name::Other);
    }
}

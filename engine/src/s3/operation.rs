//! The operations the engine sends, as names for meters, messages and permissions.

macro_rules! operations {
    ($($variant:ident => $permission:literal),+ $(,)?) => {
        /// An S3 operation. Requests are counted by it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs)]
        pub enum Operation { $($variant),+ }

        impl Operation {
            /// Every operation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name in the API reference.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),+ }
            }

            /// The IAM action that allows it.
            #[must_use]
            pub fn permission(self) -> &'static str {
                match self { $(Self::$variant => $permission),+ }
            }
        }
    };
}

operations! {
    ListObjectsV2 => "s3:ListBucket",
    ListObjectVersions => "s3:ListBucketVersions",
    ListMultipartUploads => "s3:ListBucketMultipartUploads",
    ListParts => "s3:ListMultipartUploadParts",
    HeadBucket => "s3:ListBucket",
    GetBucketVersioning => "s3:GetBucketVersioning",
    PutBucketVersioning => "s3:PutBucketVersioning",
    GetBucketLifecycleConfiguration => "s3:GetLifecycleConfiguration",
    PutBucketLifecycleConfiguration => "s3:PutLifecycleConfiguration",
    GetBucketEncryption => "s3:GetEncryptionConfiguration",
    PutBucketEncryption => "s3:PutEncryptionConfiguration",
    GetPublicAccessBlock => "s3:GetBucketPublicAccessBlock",
    PutPublicAccessBlock => "s3:PutBucketPublicAccessBlock",
    GetBucketReplication => "s3:GetReplicationConfiguration",
    PutBucketReplication => "s3:PutReplicationConfiguration and iam:PassRole",
    GetBucketPolicy => "s3:GetBucketPolicy",
    GetObjectLockConfiguration => "s3:GetBucketObjectLockConfiguration",
    GetBucketLogging => "s3:GetBucketLogging",
    HeadObject => "s3:GetObject",
    GetObject => "s3:GetObject",
    GetObjectAttributes => "s3:GetObjectAttributes",
    GetObjectTagging => "s3:GetObjectTagging",
    PutObjectTagging => "s3:PutObjectTagging",
    GetObjectAcl => "s3:GetObjectAcl",
    PutObject => "s3:PutObject",
    CopyObject => "s3:PutObject and s3:GetObject",
    CreateMultipartUpload => "s3:PutObject",
    UploadPart => "s3:PutObject",
    UploadPartCopy => "s3:PutObject and s3:GetObject",
    CompleteMultipartUpload => "s3:PutObject",
    AbortMultipartUpload => "s3:AbortMultipartUpload",
    DeleteObject => "s3:DeleteObject",
    DeleteObjects => "s3:DeleteObject",
    RestoreObject => "s3:RestoreObject",
}

impl Operation {
    /// Is it billed like a write (PUT, COPY, POST, LIST) rather than like a read? Deletes and aborts are free.
    #[must_use]
    pub fn price_class(self) -> PriceClass {
        match self {
            Self::ListObjectsV2
            | Self::ListObjectVersions
            | Self::ListMultipartUploads
            | Self::ListParts
            | Self::PutObject
            | Self::CopyObject
            | Self::CreateMultipartUpload
            | Self::UploadPart
            | Self::UploadPartCopy
            | Self::CompleteMultipartUpload
            | Self::PutObjectTagging
            | Self::PutBucketVersioning
            | Self::PutBucketLifecycleConfiguration
            | Self::PutBucketEncryption
            | Self::PutPublicAccessBlock
            | Self::PutBucketReplication
            | Self::RestoreObject => PriceClass::Write,
            Self::DeleteObject | Self::DeleteObjects | Self::AbortMultipartUpload => PriceClass::Free,
            _ => PriceClass::Read,
        }
    }
}

/// How S3 bills a request (S3 facts, section 11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceClass {
    /// PUT, COPY, POST, LIST.
    Write,
    /// GET, HEAD and all other reads.
    Read,
    /// Deletes and aborts.
    Free,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_of_an_operation_is_its_place_in_the_list() {
        for (index, operation) in Operation::ALL.iter().enumerate() {
            assert_eq!(*operation as usize, index);
        }
    }
}

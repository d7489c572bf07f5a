//! What a tier asks of a bucket.

/// What is asked; what is left out is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Versioning is on.
    pub versioning: bool,
    /// Removing a version takes a second factor.
    pub mfa_delete: bool,
    /// The whole bucket is replicated.
    pub replication: Option<ReplicationPolicy>,
    /// Uploads that do not end are aborted within so many days.
    pub abort_uploads_days: Option<u32>,
    /// No rule removes an older version before it was replaced so many days ago.
    pub keep_noncurrent_days: Option<u32>,
    /// A rule removes older versions so many days after they were replaced, at the latest.
    pub expire_noncurrent_days: Option<u32>,
    /// Default encryption is at least this.
    pub encryption: Option<EncryptionPolicy>,
    /// The bucket policy refuses plain HTTP.
    pub tls_only: bool,
    /// All public access is blocked.
    pub public_access_block: bool,
    /// Object lock is on.
    pub object_lock: Option<LockPolicy>,
    /// Accesses are logged, in another bucket.
    pub access_log: bool,
}

/// How a bucket is to be replicated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReplicationPolicy {
    /// Delete markers go along.
    pub markers: bool,
    /// With replication time control and its metrics.
    pub time_control: bool,
}

/// How objects are to be encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptionPolicy {
    /// `AES256`, `aws:kms` or `aws:kms:dsse`; what is stronger will do.
    pub algorithm: String,
    /// With this key and no other.
    pub kms_key: Option<String>,
}

impl EncryptionPolicy {
    /// The algorithms, the weakest first.
    pub const ALGORITHMS: [&'static str; 3] = ["AES256", "aws:kms", "aws:kms:dsse"];

    /// How strong an algorithm is; `None` for one that is not known.
    #[must_use]
    pub fn strength(algorithm: &str) -> Option<usize> {
        Self::ALGORITHMS.iter().position(|known| *known == algorithm)
    }
}

/// How versions are to be locked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LockPolicy {
    /// Default retention is this mode (`GOVERNANCE` or `COMPLIANCE`); the stricter will do.
    pub mode: Option<String>,
    /// Default retention lasts so many days at least.
    pub days: Option<u32>,
}

/// Names of the tiers that need no configuration, the strictest first.
pub const BUILT_IN_TIERS: [&str; 3] = ["critical", "standard", "basic"];

impl Policy {
    /// The policy of a tier that needs no configuration.
    #[must_use]
    pub fn built_in(tier: &str) -> Option<Self> {
        let basic = Self {
            abort_uploads_days: Some(7),
            encryption: Some(EncryptionPolicy { algorithm: "AES256".to_owned(), kms_key: None }),
            public_access_block: true,
            ..Self::default()
        };
        let standard = Self {
            versioning: true,
            keep_noncurrent_days: Some(7),
            expire_noncurrent_days: Some(90),
            tls_only: true,
            ..basic.clone()
        };
        match tier {
            "basic" => Some(basic),
            "standard" => Some(standard),
            "critical" => Some(Self {
                replication: Some(ReplicationPolicy { markers: true, time_control: true }),
                keep_noncurrent_days: Some(30),
                expire_noncurrent_days: Some(365),
                access_log: true,
                ..standard
            }),
            _ => None,
        }
    }
}

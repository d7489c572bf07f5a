//! What a server can do, as far as its answers have shown.
//!
//! S3 itself has everything. A compatible server may lack a feature and say so, or ignore a header without a
//! word. The first costs one refused request per endpoint; the second is tried out where that harms nothing.
//! Findings outlive a run ([`Memory`]): whoever keeps them decides for how long they are believed.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::sync::{Mutex, OwnedMutexGuard};

macro_rules! features {
    ($($variant:ident $name:literal $without:literal),+ $(,)?) => {
        /// Something a server may lack.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum Feature { $($variant),+ }

        impl Feature {
            /// Every feature.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// A stable word for files.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// What its absence means, in one sentence.
            #[must_use]
            pub fn without(self) -> &'static str {
                match self { $(Self::$variant => $without),+ }
            }
        }
    };
}

features! {
    CopyIfAbsent "copy-if-none-match"
        "destination not guarded: this server ignores If-None-Match on CopyObject; each key is looked at just before instead",
    CopyIfMatch "copy-if-match"
        "destination not guarded: this server ignores If-Match on CopyObject; each key is looked at just before instead",
    PutIfAbsent "put-if-none-match"
        "destination not guarded: this server ignores If-None-Match on PutObject; each key is looked at just before instead",
    PutIfMatch "put-if-match"
        "destination not guarded: this server ignores If-Match on PutObject; each key is looked at just before instead",
    DeleteIfMatch "delete-if-match"
        "deletes not guarded: this server ignores If-Match there; each key is looked at just before instead",
    Checksums "checksums" "this server refuses x-amz-checksum headers: no checksums are stored with the copies",
    Attributes "object-attributes" "this server has no GetObjectAttributes: part checksums cannot be compared",
    PartNumbers "part-number"
        "this server ignores partNumber on HEAD: how an object is cut is asked of GetObjectAttributes, or not known",
    PartCopy "upload-part-copy" "this server has no UploadPartCopy: large and multipart objects go through this machine",
    BatchDelete "delete-objects" "this server has no DeleteObjects: keys are deleted one by one",
}

/// Whether a feature is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// Nobody has seen it yet.
    Unknown,
    /// Seen to work.
    Has,
    /// Refused or ignored.
    Lacks,
}

const UNKNOWN: u8 = 0;
const HAS: u8 = 1;
const LACKS: u8 = 2;

/// So many trials that showed nothing make one that is not worth waiting for.
const TRIALS: u8 = 3;

/// One server. Shared by all who talk to it.
#[derive(Debug)]
pub struct Profile {
    known: Vec<AtomicU8>,
    /// Whoever holds one is finding out. Counts the trials.
    trials: Vec<Arc<Mutex<u8>>>,
    /// Found out since it was made or recalled, so worth remembering.
    news: AtomicU8,
}

/// The turn to find something out. Others wait for it to be dropped.
#[derive(Debug)]
pub struct Trial(#[allow(dead_code)] OwnedMutexGuard<u8>);

/// What is remembered of a server from run to run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Names of features seen to work.
    pub has: Vec<String>,
    /// Names of features refused or ignored.
    pub lacks: Vec<String>,
}

impl Profile {
    fn filled(state: u8) -> Self {
        Self {
            known: Feature::ALL.iter().map(|_| AtomicU8::new(state)).collect(),
            trials: Feature::ALL.iter().map(|_| Arc::default()).collect(),
            news: AtomicU8::new(0),
        }
    }

    /// S3 itself, or a server that the operator vouches for.
    #[must_use]
    pub fn complete() -> Self {
        Self::filled(HAS)
    }

    /// A server nobody has met.
    #[must_use]
    pub fn unknown() -> Self {
        Self::filled(UNKNOWN)
    }

    /// A server met before. Names that mean nothing any more are passed over.
    #[must_use]
    pub fn recalled(memory: &Memory) -> Self {
        let profile = Self::unknown();
        for (names, state) in [(&memory.has, HAS), (&memory.lacks, LACKS)] {
            for feature in
                Feature::ALL.iter().filter(|feature| names.iter().any(|name| name == feature.name()))
            {
                profile.cell(*feature).store(state, Ordering::Relaxed);
            }
        }
        profile
    }

    /// What to remember.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let names = |wanted: Support| {
            let of = Feature::ALL.iter().filter(|feature| self.support(**feature) == wanted);
            of.map(|feature| feature.name().to_owned()).collect()
        };
        Memory { has: names(Support::Has), lacks: names(Support::Lacks) }
    }

    /// Something was found out that a memory does not have yet.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.news.load(Ordering::Relaxed) != 0
    }

    /// Sentences about what the server lacks.
    #[must_use]
    pub fn remarks(&self) -> Vec<&'static str> {
        let lacking = Feature::ALL.iter().filter(|feature| self.lacks(**feature));
        lacking.map(|feature| feature.without()).collect()
    }

    fn cell(&self, feature: Feature) -> &AtomicU8 {
        // One cell per feature, by construction.
        self.known.get(feature as usize).unwrap_or(&self.news)
    }

    /// What is known of a feature.
    #[must_use]
    pub fn support(&self, feature: Feature) -> Support {
        match self.cell(feature).load(Ordering::Relaxed) {
            HAS => Support::Has,
            LACKS => Support::Lacks,
            _ => Support::Unknown,
        }
    }

    /// Known to be missing.
    #[must_use]
    pub fn lacks(&self, feature: Feature) -> bool {
        self.support(feature) == Support::Lacks
    }

    /// It works.
    pub fn saw(&self, feature: Feature) {
        // A plain load first: this is on the path of every object, and a shared write is not free.
        if self.support(feature) == Support::Unknown {
            self.settle(feature, HAS);
        }
    }

    /// It was refused or ignored.
    pub fn misses(&self, feature: Feature) {
        if !self.lacks(feature) {
            tracing::info!(feature = feature.name(), "{}", feature.without());
            self.settle(feature, LACKS);
        }
    }

    fn settle(&self, feature: Feature, state: u8) {
        self.cell(feature).store(state, Ordering::Relaxed);
        self.news.store(1, Ordering::Relaxed);
    }

    /// Takes it upon the caller to find out, while nothing is known. Waits while somebody else does: what one
    /// request can settle must not cost every object of the first pages one of its own. `None` when it is known by
    /// now, or when several trials have shown nothing: then nobody waits any more.
    pub async fn claim(&self, feature: Feature) -> Option<Trial> {
        let turn = Arc::clone(self.trials.get(feature as usize)?);
        if self.support(feature) != Support::Unknown {
            return None;
        }
        let mut trials = turn.lock_owned().await;
        if self.support(feature) != Support::Unknown || *trials >= TRIALS {
            return None;
        }
        *trials += 1;
        Some(Trial(trials))
    }
}

impl Default for Profile {
    fn default() -> Self {
        Self::complete()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_out_is_recalled() {
        let profile = Profile::unknown();
        assert!(!profile.has_news() && profile.memory() == Memory::default());
        profile.saw(Feature::Checksums);
        profile.misses(Feature::CopyIfAbsent);
        assert!(profile.has_news());
        let text = serde_json::to_string(&profile.memory()).unwrap();
        assert_eq!(text, r#"{"has":["checksums"],"lacks":["copy-if-none-match"]}"#);
        let again = Profile::recalled(&serde_json::from_str(&text).unwrap());
        assert_eq!(again.memory(), profile.memory());
        assert!(!again.has_news());
        assert_eq!(again.remarks().len(), 1);
        assert_eq!(Profile::complete().remarks().len(), 0);
    }

    #[tokio::test]
    async fn one_finds_out_and_the_others_wait() {
        let profile = Profile::unknown();
        let first = profile.claim(Feature::PutIfMatch).await.unwrap();
        let mut second = std::pin::pin!(profile.claim(Feature::PutIfMatch));
        assert!(futures::poll!(&mut second).is_pending());
        assert_eq!(profile.support(Feature::PutIfMatch), Support::Unknown);
        profile.saw(Feature::PutIfMatch);
        drop(first);
        assert!(second.await.is_none());
    }

    #[tokio::test]
    async fn trials_that_show_nothing_end() {
        let profile = Profile::unknown();
        for _ in 0..TRIALS {
            assert!(profile.claim(Feature::PutIfMatch).await.is_some());
        }
        assert!(profile.claim(Feature::PutIfMatch).await.is_none());
        assert_eq!(profile.support(Feature::PutIfMatch), Support::Unknown);
    }
}

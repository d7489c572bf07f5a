//! The seam to S3: the only module that names an SDK type or an HTTP status.
//!
//! [`Store`] says what the engine needs; [`aws`] provides it for real servers; [`Paced`] wraps any store with
//! concurrency control, retries and request counts, in one place for all operations;
//! [`SavedListing`] lets a manifest stand in for a bucket. What only lists is a [`Lister`].

pub mod aws;
mod customer_key;
mod encoded_word;
mod error;
mod leftovers;
mod lister;
mod object;
mod operation;
mod paced;
mod paced_settings;
pub mod page;
mod profile;
mod saved;
mod settings;
mod store;

pub use customer_key::CustomerKey;
pub use error::{Kind, S3Error};
pub use leftovers::{Leftovers, UploadMarker, UploadPage, UploadWeight};
pub use lister::{ListOnly, Lister};
pub use object::{Attributes, Body, Encryption, Lock, Metadata, ObjectId, ObjectInfo, PartInfo};
pub use operation::{Operation, PriceClass};
pub use paced::{Meter, Paced, RetryPolicy};
pub use profile::{Feature, Memory, Profile, Support, Trial};
pub use saved::{SAVED_LISTING, SavedListing};
pub use settings::{
    AccessLog, BucketSettings, DefaultEncryption, Lifecycle, LifecycleRule, NewLifecycleRule,
    NewReplicationRule, ObjectLock, Original, PublicAccess, Replication, ReplicationRule, RuleScope,
    VersioningSettings,
};
pub use store::*;

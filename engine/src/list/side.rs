//! One side of a run: a store and the location in it.

use crate::model::Location;
use crate::s3::{
    Answer, Attributes, CustomerKey, Feature, Kind, ObjectId, Operation, Profile, S3Error, Store,
};
use std::fmt;
use std::sync::Arc;

/// Where a side lives. Keys inside a run are *relative*: the location's prefix is stripped, so that
/// `s3://a/x/k` and `s3://b/y/k` meet as `k`. Stripping a common prefix keeps the byte order.
#[derive(Clone)]
pub struct Side {
    /// The store, already paced.
    pub store: Arc<dyn Store>,
    /// Bucket and prefix.
    pub location: Location,
    /// The customer's key of its objects (SSE-C). It opens what is read and encrypts what is written.
    pub customer_key: Option<CustomerKey>,
    /// What its server can do. Sides on one service share it.
    pub profile: Arc<Profile>,
}

impl Side {
    /// A side.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, location: Location) -> Self {
        Self { store, location, customer_key: None, profile: Arc::default() }
    }

    /// The same side, whose objects are encrypted with a key of the customer's.
    #[must_use]
    pub fn with_customer_key(self, customer_key: Option<CustomerKey>) -> Self {
        Self { customer_key, ..self }
    }

    /// The same side, on a server of which this is known.
    #[must_use]
    pub fn with_profile(self, profile: Arc<Profile>) -> Self {
        Self { profile, ..self }
    }

    /// GetObjectAttributes, where the server has it. One that has not is asked once.
    ///
    /// # Errors
    /// As the store's; [`Kind::Unsupported`] without a request where that is known.
    pub async fn attributes(&self, id: &ObjectId) -> Answer<Attributes> {
        if self.profile.lacks(Feature::Attributes) {
            let error =
                |why| S3Error::local(Kind::Unsupported, Operation::GetObjectAttributes, &id.bucket, why);
            return Err(error("this server does not have it").on_key(&id.key));
        }
        let answer = self.store.attributes(id).await;
        match &answer {
            Ok(_) => self.profile.saw(Feature::Attributes),
            Err(error) if error.kind == Kind::Unsupported => self.profile.misses(Feature::Attributes),
            Err(_) => {}
        }
        answer
    }

    /// The bucket.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.location.bucket
    }

    /// The current version of a relative key.
    #[must_use]
    pub fn object(&self, relative: &str) -> ObjectId {
        let id = ObjectId::current(self.bucket(), self.location.key(relative));
        ObjectId { customer_key: self.customer_key.clone(), ..id }
    }

    /// A named version of a relative key.
    #[must_use]
    pub fn version(&self, relative: &str, version_id: Option<&str>) -> ObjectId {
        ObjectId { version_id: version_id.map(str::to_owned), ..self.object(relative) }
    }

    /// Can this side's server copy from the other side's server by itself?
    #[must_use]
    pub fn same_service(&self, other: &Self) -> bool {
        self.store.service() == other.store.service()
    }
}

impl fmt::Debug for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Side({})", self.location)
    }
}

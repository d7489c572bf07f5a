//! One side of a run: a store and the location in it.

use crate::model::Location;
use crate::s3::{ObjectId, Store};
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
}

impl Side {
    /// A side.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, location: Location) -> Self {
        Self { store, location }
    }

    /// The bucket.
    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.location.bucket
    }

    /// The current version of a relative key.
    #[must_use]
    pub fn object(&self, relative: &str) -> ObjectId {
        ObjectId::current(self.bucket(), self.location.key(relative))
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

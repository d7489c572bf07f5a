//! Why a run cannot go on. Trouble with one object is data (a finding, an outcome), never an `Error`.

use crate::journal::{JournalError, LeaseError};
use crate::s3::{Kind, S3Error};

/// A fatal end of a run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A listing failed for good: nothing may be concluded from the part that arrived.
    #[error("listing the {side} failed: {error}. What to do: {}", error.advice())]
    Listing {
        /// `source` or `replica`.
        side: &'static str,
        /// What the server said.
        error: Box<S3Error>,
    },
    /// A side cannot be used at all.
    #[error("the {side} cannot be used: {error}. What to do: {}", error.advice())]
    Side {
        /// `source` or `replica`.
        side: &'static str,
        /// What the server said.
        error: Box<S3Error>,
    },
    /// A safety brake refused; nothing was changed.
    #[error("{0}")]
    Brake(String),
    /// The arguments contradict each other or the buckets' state; nothing was started.
    #[error("{0}")]
    Invalid(String),
    /// The run's own files cannot be written or read.
    #[error("{0}. What to do: {advice}", advice = .0.advice())]
    Journal(#[from] JournalError),
    /// The folder that is restored to cannot take any more.
    #[error("{0}")]
    Folder(String),
    /// Another run holds the pair.
    #[error("{0}. What to do: {advice}", advice = .0.advice())]
    Lease(#[from] LeaseError),
    /// The run was interrupted.
    #[error("interrupted")]
    Cancelled,
    /// A task of the engine ended by a panic: a bug.
    #[error("internal error, please report it: {0}")]
    Internal(String),
}

impl Error {
    pub(crate) fn source_listing(error: S3Error) -> Self {
        Self::listing("source", error)
    }

    pub(crate) fn replica_listing(error: S3Error) -> Self {
        Self::listing("replica", error)
    }

    pub(crate) fn source_side(error: S3Error) -> Self {
        if error.kind == Kind::Cancelled {
            Self::Cancelled
        } else {
            Self::Side { side: "source", error: Box::new(error) }
        }
    }

    /// Credentials that ran out end the run, so that what they kept from being done is done when it is resumed.
    pub(crate) fn if_expired(error: Option<&S3Error>) -> Result<(), Self> {
        match error.filter(|error| error.is_expiry()) {
            Some(error) => Err(Self::Side { side: "replica", error: Box::new(error.clone()) }),
            None => Ok(()),
        }
    }

    fn listing(side: &'static str, error: S3Error) -> Self {
        if error.kind == Kind::Cancelled {
            Self::Cancelled
        } else {
            Self::Listing { side, error: Box::new(error) }
        }
    }

    #[allow(clippy::needless_pass_by_value)] // For `map_err`.
    pub(crate) fn task(error: tokio::task::JoinError) -> Self {
        if error.is_cancelled() { Self::Cancelled } else { Self::Internal(error.to_string()) }
    }
}

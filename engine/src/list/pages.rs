//! The pages of one side from one key on, one page ahead.

use super::Side;
use crate::model::Page;
use crate::s3::{Answer, Kind, ListObjects, ListVersions, Operation, S3Error};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// Entries asked for per page. Source: the API's maximum. Applies to: ListObjectsV2, ListObjectVersions.
const PAGE_KEYS: u16 = 1000;

/// Which of the two listings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// Current objects.
    Objects,
    /// All versions and delete markers.
    Versions,
}

/// Where the next page starts. Keys here are whole, not relative.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Position {
    After(String),
    /// A page without a single key to go on from: only the server's token can.
    Token(String),
    Version {
        key: String,
        version_id: Option<String>,
    },
    End,
}

/// A pager that fetches at most one page ahead. Dropping it aborts the page in flight.
#[derive(Debug)]
pub(super) struct Pages {
    side: Arc<Side>,
    listing: Listing,
    next: Position,
    ahead: Option<Ahead>,
}

#[derive(Debug)]
struct Ahead(JoinHandle<Answer<Page>>);

impl Drop for Ahead {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Pages {
    /// Pages of the side's location after a relative key; empty starts at the first.
    pub(super) fn after(side: Arc<Side>, listing: Listing, after: &str) -> Self {
        let start = if after.is_empty() { String::new() } else { side.location.key(after) };
        let next = match listing {
            Listing::Objects => Position::After(start),
            Listing::Versions => Position::Version { key: start, version_id: None },
        };
        Self { side, listing, next, ahead: None }
    }

    /// True when no page follows.
    pub(super) fn ended(&self) -> bool {
        self.next == Position::End
    }

    /// Starts fetching the next page, if there is one and it is not on its way already.
    pub(super) fn read_ahead(&mut self) {
        if self.ahead.is_none() && !self.ended() {
            let (side, position) = (Arc::clone(&self.side), self.next.clone());
            // Owned by `Ahead`, which aborts it on drop.
            self.ahead = Some(Ahead(tokio::spawn(async move { fetch(&side, position).await })));
        }
    }

    /// The next page; `None` at the end. After an error the same page can be asked for again. Cancel-safe.
    pub(super) async fn next(&mut self) -> Answer<Option<Page>> {
        if self.ended() {
            return Ok(None);
        }
        self.read_ahead();
        let Some(ahead) = &mut self.ahead else { return Ok(None) };
        let joined = (&mut ahead.0).await;
        self.ahead = None;
        let page = joined
            .map_err(|error| self.failed(Kind::Transient, format!("the page task ended: {error}")))??;
        self.next = self.position_after(&page)?;
        Ok(Some(page))
    }

    fn position_after(&self, page: &Page) -> Answer<Position> {
        if !page.truncated {
            return Ok(Position::End);
        }
        if self.listing == Listing::Versions {
            return match &page.next_key_marker {
                Some(key) => Ok(Position::Version {
                    key: key.to_string(),
                    version_id: page.next_version_id_marker.as_deref().map(str::to_owned),
                }),
                None => Err(self.failed(Kind::Protocol, "a truncated page does not say where to go on")),
            };
        }
        match (page.iter().next_back(), &page.next_continuation_token) {
            // By key, not by token: a key can be checkpointed and never expires.
            (Some(last), _) => Ok(Position::After(last.key.to_owned())),
            (None, Some(token)) => Ok(Position::Token(token.to_string())),
            (None, None) => Err(self.failed(Kind::Protocol, "an empty page claims that more follows")),
        }
    }

    fn failed(&self, kind: Kind, message: impl Into<String>) -> S3Error {
        let operation = match self.listing {
            Listing::Objects => Operation::ListObjectsV2,
            Listing::Versions => Operation::ListObjectVersions,
        };
        S3Error::local(kind, operation, self.side.bucket(), message)
    }
}

async fn fetch(side: &Side, position: Position) -> Answer<Page> {
    let (bucket, prefix) = (side.bucket().to_owned(), side.location.prefix.to_string());
    match position {
        Position::After(start_after) => {
            let request =
                ListObjects { bucket, prefix, start_after, max_keys: PAGE_KEYS, ..ListObjects::default() };
            side.store.list_objects(&request).await
        }
        Position::Token(token) => {
            let continuation_token = Some(token);
            let request = ListObjects {
                bucket,
                prefix,
                continuation_token,
                max_keys: PAGE_KEYS,
                ..ListObjects::default()
            };
            side.store.list_objects(&request).await
        }
        Position::Version { key, version_id } => {
            let request = ListVersions {
                bucket,
                prefix,
                key_marker: key,
                version_id_marker: version_id,
                max_keys: PAGE_KEYS,
            };
            side.store.list_versions(&request).await
        }
        Position::End => Ok(Page::default()),
    }
}

//! One side as a sorted stream of items: objects, or whole stacks of versions.

use super::Side;
use super::pages::{Listing, Pages};
use crate::Error;
use crate::model::{ETag, Entry, EntryKind, Page, Restore, Row, StorageClass, Timestamp};
use crate::s3::Answer;
use std::sync::Arc;

/// A sorted stream of items, each with a relative key. The merge looks at the head and moves on; when the
/// buffer runs dry it asks for more.
pub trait Feed: Send + Sized + 'static {
    /// What the merge sees of one key.
    type Item<'a>
    where
        Self: 'a;

    /// The items of a side after a relative key.
    fn open(side: &Arc<Side>, after: &str) -> Self;
    /// The relative key at the head of the buffer; `None` when the buffer is dry.
    fn key(&self) -> Option<&str>;
    /// The item at the head of the buffer.
    fn item(&self) -> Option<Self::Item<'_>>;
    /// Drops the head.
    fn advance(&mut self);
    /// True when nothing follows the buffer.
    fn ended(&self) -> bool;
    /// Fetches until the buffer has a head or the side has ended. Cancel-safe.
    fn fill(&mut self) -> impl Future<Output = Answer<()>> + Send;
    /// Lets the next page travel while the current one is worked on.
    fn read_ahead(&mut self);
    /// The first and last relative key of the page last received.
    fn page_bounds(&self) -> Option<(&str, &str)>;
    /// Relative keys worth learning from: a few of the page last received.
    fn sample(&self) -> impl Iterator<Item = &str>;
    /// The last relative key received so far; empty before the first.
    fn frontier(&self) -> &str;
    /// With a dry buffer: is it certain that everything that may still come lies above `upto`?
    fn is_beyond(&self, upto: &str) -> bool;
}

/// A page and a place in it.
#[derive(Debug, Default)]
struct Cursor {
    page: Page,
    at: usize,
    prefix_len: usize,
    frontier: String,
}

impl Cursor {
    fn head(&self) -> Option<Entry<'_>> {
        self.relative(self.at)
    }

    fn relative(&self, index: usize) -> Option<Entry<'_>> {
        let entry = self.page.get(index)?;
        // The server was asked for this prefix only; a key without it would be a broken server, and the
        // reader's order check has compared whole keys.
        let key = entry.key.get(self.prefix_len..)?;
        Some(Entry { key, ..entry })
    }

    fn replace(&mut self, page: Page) {
        self.page = page;
        self.at = 0;
        let last = self.page.len().checked_sub(1).and_then(|last| self.relative(last));
        if let Some(last) = last.map(|entry| entry.key.to_owned()) {
            self.frontier = last;
        }
    }

    fn bounds(&self) -> Option<(&str, &str)> {
        let last = self.page.len().checked_sub(1)?;
        Some((self.relative(0)?.key, self.relative(last)?.key))
    }

    /// Nine keys spread over the page show which positions vary.
    fn sample(&self) -> impl Iterator<Item = &str> {
        let step = (self.page.len() / 8).max(1);
        let last = self.page.len().saturating_sub(1);
        (0..self.page.len()).step_by(step).chain([last]).filter_map(|index| Some(self.relative(index)?.key))
    }
}

/// Current objects of one side.
#[derive(Debug)]
pub struct Objects {
    pages: Pages,
    cursor: Cursor,
}

impl Feed for Objects {
    type Item<'a> = Entry<'a>;

    fn open(side: &Arc<Side>, after: &str) -> Self {
        let cursor = Cursor { prefix_len: side.location.prefix.len(), ..Cursor::default() };
        Self { pages: Pages::after(Arc::clone(side), Listing::Objects, after), cursor }
    }

    fn key(&self) -> Option<&str> {
        self.cursor.head().map(|entry| entry.key)
    }

    fn item(&self) -> Option<Entry<'_>> {
        self.cursor.head()
    }

    fn advance(&mut self) {
        self.cursor.at += 1;
    }

    fn ended(&self) -> bool {
        self.pages.ended()
    }

    async fn fill(&mut self) -> Answer<()> {
        while self.key().is_none() {
            let Some(page) = self.pages.next().await? else { return Ok(()) };
            self.cursor.replace(page);
        }
        Ok(())
    }

    fn read_ahead(&mut self) {
        self.pages.read_ahead();
    }

    fn page_bounds(&self) -> Option<(&str, &str)> {
        self.cursor.bounds()
    }

    fn sample(&self) -> impl Iterator<Item = &str> {
        self.cursor.sample()
    }

    fn frontier(&self) -> &str {
        &self.cursor.frontier
    }

    fn is_beyond(&self, upto: &str) -> bool {
        !self.cursor.page.is_empty() && self.frontier() >= upto
    }
}

/// One version or delete marker in a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackEntry {
    /// Version id; `null` for the null version.
    pub version_id: Box<str>,
    /// Object version or delete marker.
    pub kind: EntryKind,
    /// Current version?
    pub is_latest: bool,
    /// Bytes.
    pub size: u64,
    /// When it was created; for a multipart upload, when the upload was begun.
    pub last_modified: Timestamp,
    /// ETag; `None` for a delete marker.
    pub etag: Option<ETag>,
    /// Storage class.
    pub storage_class: StorageClass,
    /// Restore status of an archived version.
    pub restore: Option<Restore>,
}

impl StackEntry {
    pub(crate) fn new(version_id: Option<&str>, row: &Row) -> Self {
        Self {
            version_id: version_id.unwrap_or("null").into(),
            kind: row.kind,
            is_latest: row.is_latest,
            size: row.size,
            last_modified: row.last_modified,
            etag: row.etag.clone(),
            storage_class: row.storage_class.clone(),
            restore: row.restore,
        }
    }
}

/// All versions and delete markers of one key, in the order of the document: newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stack {
    /// Relative key.
    pub key: Box<str>,
    /// Newest first.
    pub entries: Vec<StackEntry>,
}

impl Stack {
    /// What is current: the first entry, or on a server that lists in an order of its own the one it calls the latest.
    #[must_use]
    pub fn current(&self) -> Option<&StackEntry> {
        self.entries.iter().find(|entry| entry.is_latest).or(self.entries.first())
    }
}

/// Version stacks of one side. A stack is given out only when its last page has been seen.
#[derive(Debug)]
pub struct Versions {
    pages: Pages,
    cursor: Cursor,
    /// The stack being gathered from the cursor, possibly over several pages.
    gathering: Option<Stack>,
    /// The finished stack at the head.
    head: Option<Stack>,
}

impl Versions {
    /// The history of the key that is the side's prefix itself: its pages one after the other, and none beyond.
    ///
    /// # Errors
    /// A listing error that retries could not cure, [`Error::Cancelled`].
    pub async fn of_prefix(side: &Arc<Side>) -> Result<Option<Stack>, Error> {
        let mut feed = Self::open(side, "");
        feed.fill().await.map_err(Error::source_listing)?;
        Ok(feed.head.filter(|stack| stack.key.is_empty()))
    }

    /// Moves entries from the cursor into the stack until the stack is known to be whole.
    fn gather(&mut self) {
        while self.head.is_none() {
            let Some(entry) = self.cursor.head() else {
                // The page is used up: whole only if no page follows.
                if self.pages.ended() {
                    self.head = self.gathering.take();
                }
                return;
            };
            match &mut self.gathering {
                Some(stack) if *stack.key == *entry.key => {
                    stack.entries.push(StackEntry::new(entry.version_id, entry.row));
                    self.cursor.at += 1;
                }
                Some(_) => self.head = self.gathering.take(),
                None => self.gathering = Some(Stack { key: entry.key.into(), entries: Vec::new() }),
            }
        }
    }
}

impl Feed for Versions {
    type Item<'a> = &'a Stack;

    fn open(side: &Arc<Side>, after: &str) -> Self {
        let cursor = Cursor { prefix_len: side.location.prefix.len(), ..Cursor::default() };
        let pages = Pages::after(Arc::clone(side), Listing::Versions, after);
        Self { pages, cursor, gathering: None, head: None }
    }

    fn key(&self) -> Option<&str> {
        self.head.as_ref().map(|stack| &*stack.key)
    }

    fn item(&self) -> Option<&Stack> {
        self.head.as_ref()
    }

    fn advance(&mut self) {
        self.head = None;
        self.gather();
    }

    fn ended(&self) -> bool {
        self.pages.ended() && self.gathering.is_none()
    }

    async fn fill(&mut self) -> Answer<()> {
        self.gather();
        while self.head.is_none() && !self.pages.ended() {
            if let Some(page) = self.pages.next().await? {
                self.cursor.replace(page);
            }
            self.gather();
        }
        Ok(())
    }

    fn read_ahead(&mut self) {
        self.pages.read_ahead();
    }

    fn page_bounds(&self) -> Option<(&str, &str)> {
        self.cursor.bounds()
    }

    fn sample(&self) -> impl Iterator<Item = &str> {
        self.cursor.sample()
    }

    fn frontier(&self) -> &str {
        &self.cursor.frontier
    }

    fn is_beyond(&self, upto: &str) -> bool {
        // The history of the bound itself may go on over many pages.
        self.gathering.as_ref().is_some_and(|stack| &*stack.key > upto)
    }
}

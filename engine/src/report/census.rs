//! What a bucket holds, counted so that it can be priced. No I/O.

use crate::list::{Stack, StackEntry};
use crate::model::{EntryKind, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;

/// Classes with a smallest billed size bill this many bytes at least.
const SMALLEST_BILLED: u64 = 128 << 10;
/// Ages, in days, at which rules are tried.
pub const RULE_DAYS: [u32; 3] = [7, 30, 90];
const DAY_MILLIS: i64 = 86_400_000;

/// So many objects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Amount {
    /// How many.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes that classes with a smallest billed size would bill besides.
    pub padding: u64,
}

impl Amount {
    fn see(&mut self, size: u64) {
        self.objects += 1;
        self.bytes += size;
        self.padding += SMALLEST_BILLED.saturating_sub(size);
    }

    fn add(&mut self, other: &Self) {
        self.objects += other.objects;
        self.bytes += other.bytes;
        self.padding += other.padding;
    }
}

/// One storage class.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClassUse {
    /// Current versions.
    pub current: Amount,
    /// Older versions.
    pub noncurrent: Amount,
    /// Of the older ones: no longer current for longer than [`RULE_DAYS`].
    pub noncurrent_for: [Amount; RULE_DAYS.len()],
    /// Of the current ones of at least 128 KiB: written longer ago than [`RULE_DAYS`].
    pub current_large_for: [Amount; RULE_DAYS.len()],
    /// Current versions that were uploaded in parts, and their parts.
    pub multipart: u64,
    /// Their parts.
    pub parts: u64,
}

/// Uploads that were begun and not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct UploadsUse {
    /// How many.
    pub uploads: u64,
    /// Bytes of their parts.
    pub bytes: u64,
    /// Begun more than 7 days ago.
    pub old_uploads: u64,
    /// Bytes of those.
    pub old_bytes: u64,
    /// Uploads whose parts could not be listed: their bytes are missing here.
    pub unweighed: u64,
}

/// A bucket, or a prefix of one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Census {
    /// By storage class.
    pub classes: BTreeMap<String, ClassUse>,
    /// Keys with a current object.
    pub keys: u64,
    /// Versions and delete markers: rows of a listing of versions.
    pub rows: u64,
    /// Delete markers.
    pub markers: u64,
    /// Of those: nothing else is left of the key.
    pub lone_markers: u64,
    /// Bytes of the names of delete markers, which is what is billed of them.
    pub marker_bytes: u64,
    /// Uploads that were not ended.
    pub uploads: UploadsUse,
}

impl Census {
    /// Counts a key.
    pub fn see(&mut self, stack: &Stack, prefix_len: usize, now: Timestamp) {
        self.rows += stack.entries.len() as u64;
        let mut newer: Option<&StackEntry> = None;
        for entry in &stack.entries {
            match entry.kind {
                EntryKind::DeleteMarker => {
                    self.markers += 1;
                    self.lone_markers += u64::from(stack.entries.len() == 1);
                    self.marker_bytes += (prefix_len + stack.key.len()) as u64;
                }
                EntryKind::Object => self.object(entry, newer, now),
            }
            newer = Some(entry);
        }
    }

    /// `newer` is what took its place, if anything did.
    fn object(&mut self, entry: &StackEntry, newer: Option<&StackEntry>, now: Timestamp) {
        let class = self.classes.entry(entry.storage_class.name().to_owned()).or_default();
        let days_since = |time: Timestamp| (now.millis() - time.millis()) / DAY_MILLIS;
        let (ages, days) = match newer {
            None => {
                self.keys += 1;
                class.current.see(entry.size);
                if let Some(parts) = entry.etag.as_ref().and_then(crate::model::ETag::parts) {
                    class.multipart += 1;
                    class.parts += u64::from(parts);
                }
                if entry.size < SMALLEST_BILLED {
                    return;
                }
                (&mut class.current_large_for, days_since(entry.last_modified))
            }
            Some(newer) => {
                class.noncurrent.see(entry.size);
                (&mut class.noncurrent_for, days_since(newer.last_modified))
            }
        };
        for (amount, rule) in ages.iter_mut().zip(RULE_DAYS) {
            if days >= i64::from(rule) {
                amount.see(entry.size);
            }
        }
    }

    /// Adds those of another, disjoint piece.
    pub fn add(&mut self, other: &Self) {
        for (name, theirs) in &other.classes {
            let ours = self.classes.entry(name.clone()).or_default();
            ours.current.add(&theirs.current);
            ours.noncurrent.add(&theirs.noncurrent);
            for (a, b) in ours.noncurrent_for.iter_mut().zip(&theirs.noncurrent_for) {
                a.add(b);
            }
            for (a, b) in ours.current_large_for.iter_mut().zip(&theirs.current_large_for) {
                a.add(b);
            }
            ours.multipart += theirs.multipart;
            ours.parts += theirs.parts;
        }
        self.keys += other.keys;
        self.rows += other.rows;
        self.markers += other.markers;
        self.lone_markers += other.lone_markers;
        self.marker_bytes += other.marker_bytes;
    }
}

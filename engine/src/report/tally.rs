//! Counts that balance.

use super::Proved;
use crate::compare::{Evidence, Judgement, Scrubbed, Verdict};
use serde::{Deserialize, Serialize};

/// Keys by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Verdicts {
    pub identical: u64,
    pub different: u64,
    pub missing: u64,
    pub extra: u64,
    pub unproven: u64,
    pub in_flight: u64,
    pub unreadable: u64,
}

impl Verdicts {
    /// All keys judged.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.identical + self.not_identical()
    }

    /// Keys that have a findings row.
    #[must_use]
    pub fn not_identical(&self) -> u64 {
        self.different + self.missing + self.extra + self.unproven + self.in_flight + self.unreadable
    }

    /// Keys somebody should look at: everything but identical and in flight.
    #[must_use]
    pub fn to_look_at(&self) -> u64 {
        self.not_identical() - self.in_flight
    }
}

/// Identical keys by evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Evidences {
    pub etag: u64,
    pub checksum: u64,
    pub parts: u64,
    pub bytes: u64,
    pub size: u64,
}

impl Evidences {
    /// All identical keys.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.etag + self.checksum + self.parts + self.bytes + self.size
    }
}

/// Planned actions by what became of them. Every planned action ends in exactly one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Actions {
    pub copied: u64,
    pub restored: u64,
    pub deleted: u64,
    pub marker_removed: u64,
    pub skipped: u64,
    pub failed: u64,
}

impl Actions {
    /// All planned actions.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.copied + self.restored + self.deleted + self.marker_removed + self.skipped + self.failed
    }
}

/// Bytes by how they moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Bytes {
    pub copied_server_side: u64,
    pub streamed: u64,
    pub hashed: u64,
}

/// Everything counted over a piece of the keyspace. Tallies of disjoint pieces add up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Keys seen on the source.
    pub source_keys: u64,
    /// Keys seen on the replica.
    pub replica_keys: u64,
    /// Keys seen on either.
    pub union_keys: u64,
    /// Bytes listed on the source.
    pub source_bytes: u64,
    /// Bytes listed on the replica.
    pub replica_bytes: u64,
    /// By verdict.
    pub verdicts: Verdicts,
    /// By evidence.
    pub evidence: Evidences,
    /// By outcome.
    pub actions: Actions,
    /// Actions decided on; equals `actions.total()` when the piece is done.
    pub planned: u64,
    /// Bytes moved and hashed.
    pub bytes: Bytes,
    /// What a scrub read.
    #[serde(default)]
    pub scrub: Scrubbed,
    /// What was proved by reading within a window, by this run or an earlier one.
    #[serde(default)]
    pub proved: Proved,
    /// Of the skipped actions: their archived bytes were asked for, `resume` goes on when they are readable.
    #[serde(default)]
    pub awaiting_thaw: u64,
    /// Actions that an earlier piece counted as awaiting a thaw, and this one in another way.
    #[serde(default)]
    pub thaws_ended: u64,
}

impl Tally {
    /// Counts a key that was seen.
    pub fn see(&mut self, source_bytes: Option<u64>, replica_bytes: Option<u64>) {
        self.union_keys += 1;
        self.source_keys += u64::from(source_bytes.is_some());
        self.replica_keys += u64::from(replica_bytes.is_some());
        self.source_bytes += source_bytes.unwrap_or_default();
        self.replica_bytes += replica_bytes.unwrap_or_default();
    }

    /// Counts what was concluded about it.
    pub fn conclude(&mut self, judgement: &Judgement) {
        let verdicts = &mut self.verdicts;
        *match judgement.verdict {
            Verdict::Identical => &mut verdicts.identical,
            Verdict::Different => &mut verdicts.different,
            Verdict::Missing => &mut verdicts.missing,
            Verdict::Extra => &mut verdicts.extra,
            Verdict::Unproven => &mut verdicts.unproven,
            Verdict::InFlight => &mut verdicts.in_flight,
            Verdict::Unreadable => &mut verdicts.unreadable,
        } += 1;
        let evidence = &mut self.evidence;
        if let Some(kind) = judgement.evidence {
            *match kind {
                Evidence::Etag => &mut evidence.etag,
                Evidence::Checksum => &mut evidence.checksum,
                Evidence::Parts => &mut evidence.parts,
                Evidence::Bytes => &mut evidence.bytes,
                Evidence::Size => &mut evidence.size,
            } += 1;
        }
    }

    /// The sum of all pieces, with the thaws that ended taken off those awaited.
    #[must_use]
    pub fn settled(mut self) -> Self {
        let ended = std::mem::take(&mut self.thaws_ended);
        self.awaiting_thaw = self.awaiting_thaw.saturating_sub(ended);
        self.actions.skipped = self.actions.skipped.saturating_sub(ended);
        self
    }

    /// Adds the tally of another, disjoint piece.
    pub fn add(&mut self, other: &Self) {
        self.source_keys += other.source_keys;
        self.replica_keys += other.replica_keys;
        self.union_keys += other.union_keys;
        self.source_bytes += other.source_bytes;
        self.replica_bytes += other.replica_bytes;
        let (v, w) = (&mut self.verdicts, &other.verdicts);
        v.identical += w.identical;
        v.different += w.different;
        v.missing += w.missing;
        v.extra += w.extra;
        v.unproven += w.unproven;
        v.in_flight += w.in_flight;
        v.unreadable += w.unreadable;
        let (v, w) = (&mut self.evidence, &other.evidence);
        v.etag += w.etag;
        v.checksum += w.checksum;
        v.parts += w.parts;
        v.bytes += w.bytes;
        v.size += w.size;
        let (v, w) = (&mut self.actions, &other.actions);
        v.copied += w.copied;
        v.restored += w.restored;
        v.deleted += w.deleted;
        v.marker_removed += w.marker_removed;
        v.skipped += w.skipped;
        v.failed += w.failed;
        self.planned += other.planned;
        let (v, w) = (&mut self.bytes, &other.bytes);
        v.copied_server_side += w.copied_server_side;
        v.streamed += w.streamed;
        v.hashed += w.hashed;
        let (v, w) = (&mut self.scrub, &other.scrub);
        v.read += w.read;
        v.of += w.of;
        v.bad += w.bad;
        self.proved.add(&other.proved);
        self.awaiting_thaw += other.awaiting_thaw;
        self.thaws_ended += other.thaws_ended;
    }
}

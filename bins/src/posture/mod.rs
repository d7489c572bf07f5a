//! Which buckets are held against what, and how the result is shown.

mod fleet;
mod show;

pub(crate) use fleet::{Target, targets};
pub(crate) use show::{json, text};

use crate::exit::Exit;
use s3twin_engine::Error;
use s3twin_engine::run::posture::{Mended, Row, Verdict};

/// A bucket and how it stands; or why it could not be asked.
pub(crate) struct Held {
    pub(crate) target: Target,
    pub(crate) rows: Result<Vec<Row>, Error>,
}

/// Checks by how they ended.
#[derive(Clone, Copy, Debug, Default, serde::Serialize)]
pub(crate) struct Counts {
    pub(crate) kept: usize,
    pub(crate) broken: usize,
    pub(crate) unknown: usize,
    /// Of the kept.
    pub(crate) mended: usize,
    /// Of the broken: --apply would mend them.
    pub(crate) mendable: usize,
    /// Buckets that could not be asked at all.
    pub(crate) unreached: usize,
}

impl Counts {
    pub(crate) fn of(held: &[Held]) -> Self {
        let mut counts = Self::default();
        for bucket in held {
            let Ok(rows) = &bucket.rows else {
                counts.unreached += 1;
                continue;
            };
            for row in rows {
                match row.verdict {
                    Verdict::Kept => counts.kept += 1,
                    Verdict::Broken => counts.broken += 1,
                    Verdict::Unknown => counts.unknown += 1,
                }
                counts.mended += usize::from(row.mended == Some(Mended::Done));
                counts.mendable += usize::from(row.verdict == Verdict::Broken && row.remedy.is_some());
            }
        }
        counts
    }

    pub(crate) fn exit(self) -> Exit {
        match self {
            Self { unreached: 1.., .. } => Exit::Incomplete,
            Self { broken: 0, unknown: 0, .. } => Exit::Clean,
            _ => Exit::LookAt,
        }
    }
}

pub(crate) fn headline(held: &[Held], counts: Counts) -> String {
    let as_wanted = |bucket: &&Held| {
        bucket.rows.as_ref().is_ok_and(|rows| rows.iter().all(|row| row.verdict == Verdict::Kept))
    };
    let good = held.iter().filter(as_wanted).count();
    let mut words = format!("{good} of {} set as wanted", plural(held.len(), "bucket"));
    for (count, what) in [
        (counts.broken, "broken"),
        (counts.unknown, "unknown"),
        (counts.mended, "mended"),
        (counts.mendable, "that --apply mends"),
        (counts.unreached, "not reached"),
    ] {
        if count > 0 {
            words.push_str(&format!("; {count} {what}"));
        }
    }
    words
}

fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

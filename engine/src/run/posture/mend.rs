//! Mending: read again, judge again, write, read once more.

use super::setting::{Found, Setting};
use super::{Check, Remedy, Row, Verdict, Wish, look};
use crate::s3::{Answer, BucketSettings};

/// What was done about a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mended {
    /// Written, and seen to be kept.
    Done,
    /// Written or not, it is not kept.
    Failed(String),
}

/// Mends what may be mended, one setting after the other, and returns how the bucket stands then.
pub async fn mend(store: &dyn BucketSettings, bucket: &str, wish: &Wish) -> Vec<Row> {
    let mut rows = look(store, bucket, wish).await;
    for setting in Setting::ALL {
        let is_of = |row: &&Row| row.remedy.is_some() && setting_of(row.check) == setting;
        if rows.iter().any(|row| is_of(&row)) {
            let now = mend_one(setting, store, bucket, wish).await;
            rows.retain(|row| setting_of(row.check) != setting);
            rows.extend(now);
        }
    }
    rows.sort_by_key(|row| row.check);
    rows
}

fn setting_of(check: Check) -> Setting {
    match check {
        Check::Versioning | Check::MfaDelete => Setting::Versioning,
        Check::AbortUploads | Check::NoncurrentVersions => Setting::Lifecycle,
        Check::Replication => Setting::Replication,
        Check::Encryption => Setting::Encryption,
        Check::TlsOnly => Setting::Policy,
        Check::PublicAccess => Setting::PublicAccess,
        Check::ObjectLock => Setting::ObjectLock,
        Check::AccessLog => Setting::AccessLog,
    }
}

async fn mend_one(setting: Setting, store: &dyn BucketSettings, bucket: &str, wish: &Wish) -> Vec<Row> {
    // What was seen a moment ago may not be so any more.
    let before = setting.read(store, bucket).await;
    let judged = setting.judge(wish, &before);
    let Ok(before) = before else { return judged };
    let remedies: Vec<Remedy> = judged.iter().filter_map(|row| row.remedy.clone()).collect();
    let Some(written) = Setting::write(store, bucket, &before, &remedies).await else { return judged };
    let after = setting.read(store, bucket).await;
    let mut rows = setting.judge(wish, &after);
    for row in &mut rows {
        let was = judged.iter().find(|was| was.check == row.check);
        if was.is_some_and(|was| was.remedy.is_some()) {
            prove(row, &before, &after, &written);
        }
    }
    rows
}

/// Only what was read back counts.
fn prove(row: &mut Row, before: &Found, after: &Answer<Found>, written: &Answer<()>) {
    let lost = after.as_ref().ok().and_then(|after| before.lost(after));
    let why = match (row.verdict, lost, written) {
        (_, Some(lost), _) => lost,
        (Verdict::Kept, None, _) => {
            row.mended = Some(Mended::Done);
            return;
        }
        (_, None, Err(error)) => {
            row.advice = Some(error.advice());
            error.to_string()
        }
        (Verdict::Unknown, None, Ok(())) => "written, but it cannot be read back".to_owned(),
        (Verdict::Broken, None, Ok(())) => {
            "the server took it, and says now that it is not so: it may ignore the request, or somebody \
             changed it meanwhile"
                .to_owned()
        }
    };
    row.verdict = if row.verdict == Verdict::Kept { Verdict::Broken } else { row.verdict };
    row.reason = row.reason.or(Some("not-mended"));
    row.remedy = None;
    row.mended = Some(Mended::Failed(why));
}

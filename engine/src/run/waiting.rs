//! A restore that ended waiting for thaws, taken up again: one look at each version whose bytes were asked for.
//!
//! Those that can be read are carried out and proved as any other row; the rest waits for the next time. A chunk of
//! rows that are done with is committed as a piece that covers no keys: its rows take the place of the first ones,
//! see [`super::rows`], and its counts name how many are no longer awaited. So a process that dies between leaves
//! every key either waiting or done with, and what it wrote before its piece was committed is recognised.

use super::Session;
use super::rows::{Rows, unreadable};
use super::settle::Settle;
use crate::Error;
use crate::model::KeyRange;

/// Rows looked at at a time. Bounds memory: about two kilobytes each.
const CHUNK: usize = 2000;

/// Looks after everything that waits, once.
///
/// # Errors
/// As [`super::restore`].
pub(super) async fn take_up(settle: &Settle, session: &Session) -> Result<(), Error> {
    let recorder = &session.recorder;
    let mut rows = Rows::of(recorder);
    let nothing = KeyRange { after: "".into(), upto: Some("".into()) };
    loop {
        let mut chunk = Vec::new();
        while chunk.len() < CHUNK {
            let Some(row) = rows.next().map_err(|error| unreadable(recorder, &error))? else { break };
            if row.is_waiting() {
                chunk.push(row.planned().map_err(|error| unreadable(recorder, &error))?);
            }
        }
        if chunk.is_empty() {
            return Ok(());
        }
        if session.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let (rows, tally) = settle.take_up(chunk).await?;
        recorder.commit(recorder.first_id(), &nothing, &rows, &tally).await?;
        session.progress.add(&tally);
    }
}

//! Brakes: what must be true of the whole run before anything is deleted.
//!
//! With `--delete` a sync first surveys both listings, which changes nothing. Only when the brakes release
//! does it act, and then never deletes more than was surveyed.

use crate::report::Tally;

/// Limits on deletion.
#[derive(Clone, Copy, Debug)]
pub struct Brakes {
    /// At most this many objects.
    pub max_delete: Option<u64>,
    /// At most this share of the replica's objects, in percent.
    pub max_delete_percent: f64,
}

/// Without `--max-delete-percent`: a sync that would remove more than half of a replica is more likely a
/// mistake than an intention.
const MAX_DELETE_PERCENT: f64 = 50.0;

impl Default for Brakes {
    fn default() -> Self {
        Self { max_delete: None, max_delete_percent: MAX_DELETE_PERCENT }
    }
}

/// What a survey counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Objects on the source.
    pub source: u64,
    /// Objects on the replica.
    pub replica: u64,
    /// Objects that would be deleted.
    pub deletions: u64,
}

impl From<&Tally> for Survey {
    fn from(tally: &Tally) -> Self {
        Self { source: tally.source_keys, replica: tally.replica_keys, deletions: tally.verdicts.extra }
    }
}

impl Brakes {
    /// May the deletions go ahead?
    ///
    /// # Errors
    /// The message names the brake, the figures, and how to release it.
    pub fn check(&self, survey: &Survey) -> Result<(), String> {
        let Survey { source, replica, deletions } = *survey;
        if deletions == 0 {
            return Ok(());
        }
        if source == 0 {
            return Err(format!(
                "brake empty-source: the source lists no object, and --delete would remove all {deletions} of the \
                 replica. Nothing was changed. If the source is meant to be empty, delete the replica's objects by hand"
            ));
        }
        if let Some(limit) = self.max_delete.filter(|limit| deletions > *limit) {
            return Err(format!(
                "brake max-delete: {deletions} objects would be deleted, the limit is {limit}. Nothing was changed. \
                 Look at them with --dry-run; release with --max-delete {deletions}"
            ));
        }
        #[allow(clippy::cast_precision_loss)]
        let percent = deletions as f64 * 100.0 / replica.max(1) as f64;
        if percent > self.max_delete_percent {
            return Err(format!(
                "brake max-delete-percent: {deletions} of {replica} replica objects ({percent:.1} %) would be \
                 deleted, the limit is {} %. Nothing was changed. Look at them with --dry-run; release with \
                 --max-delete-percent {}",
                self.max_delete_percent,
                percent.ceil()
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_brake_says_its_name_and_its_release() {
        let survey = Survey { source: 10, replica: 10, deletions: 4 };
        assert!(Brakes::default().check(&survey).is_ok());
        let message = |brakes: Brakes, survey| brakes.check(&survey).unwrap_err();
        assert!(message(Brakes::default(), Survey { source: 0, ..survey }).contains("empty-source"));
        assert!(
            message(Brakes { max_delete: Some(3), ..Brakes::default() }, survey).contains("--max-delete 4")
        );
        let many = Survey { deletions: 6, ..survey };
        assert!(message(Brakes::default(), many).contains("--max-delete-percent 60"));
        assert!(Brakes::default().check(&Survey { source: 0, replica: 5, deletions: 0 }).is_ok());
    }
}

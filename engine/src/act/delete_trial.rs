//! Does this server heed the condition on a delete? Tried out once, on a key that is to be deleted anyway.

use super::delete::Batch;
use super::guard::nobodys_etag;
use crate::s3::{DeleteKey, Feature, Kind, Support};

impl Batch<'_> {
    /// Settles whether conditions are sent or keys are looked at first. On a server that nobody has met, one of
    /// the keys is looked at and deleted under a condition that cannot hold: a refusal shows that conditions work,
    /// and if it is gone, it went where it was to go.
    pub(super) async fn try_condition(&mut self, open: &mut Vec<usize>) {
        let profile = &self.side.profile;
        match profile.support(Feature::DeleteIfMatch) {
            Support::Has => return,
            Support::Lacks => self.conditional = false,
            Support::Unknown => {}
        }
        let is_conditional = |index: &usize| self.request(*index).is_some_and(|key| key.if_match.is_some());
        let Some(place) = open.iter().position(is_conditional) else { return };
        if let Some(_turn) = profile.claim(Feature::DeleteIfMatch).await {
            let index = open.swap_remove(place);
            open.extend(self.trial(index).await);
            open.sort_unstable();
        }
        // Whoever could not find out leaves it to the next.
        self.conditional = profile.support(Feature::DeleteIfMatch) == Support::Has;
    }

    /// Gives the key back if it is still to be deleted.
    async fn trial(&mut self, index: usize) -> Option<usize> {
        let index = self.still_there(vec![index]).await.pop()?;
        let Some(key) = self.request(index) else { return Some(index) };
        let key = DeleteKey { if_match: Some(nobodys_etag()), ..key };
        let profile = &self.side.profile;
        let answer = self.send(std::slice::from_ref(&key)).await;
        let answer = match answer {
            Ok(mut answers) => answers.pop(),
            Err(error) => {
                if error.is_ambiguous() {
                    self.lost.insert(index);
                }
                None
            }
        };
        // A request that failed, whatever became of it, leaves the key to the looks and tries of all keys.
        let Some(deleted) = answer else { return Some(index) };
        match deleted.error.map(|error| error.kind) {
            None => {
                profile.misses(Feature::DeleteIfMatch);
                self.results.insert(index, Ok(deleted.version_id));
                None
            }
            Some(Kind::Unsupported) => {
                profile.misses(Feature::DeleteIfMatch);
                Some(index)
            }
            Some(Kind::Changed) => {
                profile.saw(Feature::DeleteIfMatch);
                Some(index)
            }
            Some(_) => Some(index),
        }
    }
}

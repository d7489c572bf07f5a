//! What a recovery drill found: part of the summary.

use serde::{Deserialize, Serialize};

/// A recovery drill.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DrillSummary {
    /// Where it worked: `s3://bucket/prefix`.
    pub scratch: String,
    /// Test objects that were written, then overwritten or deleted, then restored to the moment before.
    pub history: Measured,
    /// Real objects that were restored to scratch.
    pub sample: Measured,
    /// All objects of the location.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Of those: in archives, where a thaw of hours comes first. Not in the sample and not in the RTO.
    pub archived: u64,
    /// Seconds to list them.
    pub listing_seconds: f64,
    /// Seconds to restore all of them, by the arithmetic.
    pub rto_seconds: f64,
    /// Seconds that were allowed, if any.
    pub rto_wished_seconds: Option<u64>,
    /// Within what was allowed.
    pub rto_kept: Option<bool>,
    /// How `rto_seconds` was reckoned, for a reader.
    pub arithmetic: String,
    /// Versions and markers that were removed again.
    pub removed: u64,
    /// Folders of earlier drills that did not clean up, and were cleaned now.
    pub cleaned_before: u64,
}

/// Objects restored, and the time it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// How many were tried.
    pub objects: u64,
    /// How many are as they should be, and proved.
    pub restored: u64,
    /// Bytes of those.
    pub bytes: u64,
    /// Seconds for all of them.
    pub seconds: f64,
}

impl DrillSummary {
    /// Reckons the time for everything from the sample: whichever takes longer, the objects or the bytes, after
    /// the listing. Without a sample there is nothing to restore.
    pub fn reckon(&mut self) {
        let live = float(self.objects - self.archived.min(self.objects));
        let sample = &self.sample;
        let seconds = sample.seconds.max(0.001);
        let (rate, speed) = (float(sample.restored) / seconds, float(sample.bytes) / seconds);
        let by_objects = if rate > 0.0 { live / rate } else { 0.0 };
        let by_bytes = if speed > 0.0 { float(self.bytes) / speed } else { 0.0 };
        self.rto_seconds = self.listing_seconds + by_objects.max(by_bytes);
        self.rto_kept = self.rto_wished_seconds.map(|wished| self.rto_seconds <= float(wished));
        self.arithmetic = if sample.restored == 0 {
            "no real object was restored, so there is no rate to reckon with".to_owned()
        } else {
            format!(
                "{} of {} objects ({} of {} bytes) were restored in {:.1} s: {rate:.1} objects/s, {speed:.0} bytes/s. All: {:.1} s by \
                 objects, {by_bytes:.1} s by bytes; the longer, after {:.1} s of listing, is {:.1} s",
                sample.restored,
                self.objects,
                sample.bytes,
                self.bytes,
                sample.seconds,
                by_objects,
                self.listing_seconds,
                self.rto_seconds
            )
        };
        if self.archived > 0 {
            self.arithmetic.push_str(&format!(
                ". {} archived objects have to be thawed first, which takes hours",
                self.archived
            ));
        }
    }
}

#[allow(clippy::cast_precision_loss)]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drill(objects: u64, bytes: u64, wished: Option<u64>) -> DrillSummary {
        let sample = Measured { objects: 100, restored: 100, bytes: 1000, seconds: 10.0 };
        let mut drill = DrillSummary {
            sample,
            objects,
            bytes,
            listing_seconds: 5.0,
            rto_wished_seconds: wished,
            ..DrillSummary::default()
        };
        drill.reckon();
        drill
    }

    #[test]
    fn the_slower_of_objects_and_bytes_decides() {
        let many = drill(1000, 1000, Some(105));
        assert!((many.rto_seconds - 105.0).abs() < 1e-6 && many.rto_kept == Some(true), "{many:?}");
        let large = drill(1000, 20_000, Some(104));
        assert!((large.rto_seconds - 205.0).abs() < 1e-6 && large.rto_kept == Some(false), "{large:?}");
        assert!(large.arithmetic.contains("205.0 s"), "{}", large.arithmetic);
        assert_eq!(drill(1000, 1000, None).rto_kept, None);
    }
}

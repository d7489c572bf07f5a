//! The verdict of a run in plain words.

use super::text::{counted, duration, moment, sentence, share};
use crate::screen::grouped;
use s3twin_engine::report::{RunState, Summary};

/// How the page feels about the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As wished.
    Good,
    /// Something to look at.
    Look,
    /// Not the whole truth, or nothing was done.
    Stop,
}

impl Tone {
    /// Name of its style.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Look => "look",
            Self::Stop => "stop",
        }
    }

    /// For readers who do not see the colour.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Good => "Clean",
            Self::Look => "To look at",
            Self::Stop => "Not finished",
        }
    }
}

/// The top of the page.
#[derive(Clone, Debug)]
pub(crate) struct Headline {
    pub(crate) tone: Tone,
    pub(crate) title: String,
    pub(crate) sentence: String,
    /// What, when, for how long.
    pub(crate) occasion: String,
}

impl Headline {
    /// Of a run.
    pub(crate) fn of(summary: &Summary) -> Self {
        let (tone, title, sentence) = match summary.state {
            RunState::Complete if summary.command == "audit" => audit(summary),
            RunState::Complete if summary.drill.is_some() => drill(summary),
            RunState::Complete => change(summary),
            RunState::Incomplete => stopped(summary, "The run could not finish"),
            RunState::Refused => refused(),
            RunState::Interrupted => {
                let (tone, title, sentence) = stopped(summary, "The run was interrupted");
                (tone, title, format!("{sentence} To go on: s3twin resume {}", summary.run_id))
            }
        };
        let occasion = format!(
            "{} on {}, took {}",
            command(summary),
            moment(summary.started_at),
            duration(summary.elapsed_seconds)
        );
        Self { tone, title, sentence, occasion }
    }
}

/// What the run was: `Audit`, `Rehearsed sync`.
fn command(summary: &Summary) -> String {
    if summary.dry_run {
        return format!("Rehearsed {}", summary.command);
    }
    sentence(&summary.command)
}

fn audit(summary: &Summary) -> (Tone, String, String) {
    let (keys, v) = (summary.keys.union, &summary.verdicts);
    let look = v.to_look_at();
    if keys == 0 && summary.replica.is_none() {
        let sentence = "No key was listed. If you expected objects, check bucket, prefix and filters.";
        return (Tone::Good, "There is nothing here".to_owned(), sentence.to_owned());
    }
    if keys == 0 {
        return (
            Tone::Good,
            "Both sides are empty".to_owned(),
            "No key was listed on either side. If you expected objects, check bucket, prefix and filters."
                .to_owned(),
        );
    }
    let flight = match v.in_flight {
        0 => String::new(),
        n => format!(
            " {} younger than the grace window and still in flight.",
            counted(n, "key is", "keys are")
        ),
    };
    if look > 0 {
        let title = counted(look, "key needs a look", "keys need a look");
        let rest = format!(
            "{} of {} ({}) {} proved identical.{flight}",
            grouped(v.identical),
            counted(keys, "key", "keys"),
            share(v.identical, keys),
            if v.identical == 1 { "is" } else { "are" },
        );
        return (Tone::Look, title, rest);
    }
    if v.in_flight > 0 {
        let title = format!("Identical but for {}", counted(v.in_flight, "key in flight", "keys in flight"));
        let rest = format!(
            "{} of {} proved equal.{flight}",
            grouped(v.identical),
            counted(keys, "key is", "keys are")
        );
        return (Tone::Good, title, rest);
    }
    if summary.replica.is_none() {
        let sentence = format!(
            "The bytes of {} were read and agree with every checksum and ETag stored of them.",
            counted(keys, "object", "objects")
        );
        return (Tone::Good, "Every object is as it was written".to_owned(), sentence);
    }
    let title = "The two are identical".to_owned();
    let sentence = if keys == 1 {
        "The only key is proved equal on both sides.".to_owned()
    } else {
        format!("All {} keys are proved equal on both sides.", grouped(keys))
    };
    (Tone::Good, title, sentence)
}

fn change(summary: &Summary) -> (Tone, String, String) {
    let a = &summary.actions;
    let wished = if matches!(&*summary.command, "sync" | "repair") {
        "The replica is as wished"
    } else {
        "Every object is as wished"
    };
    if summary.dry_run {
        let title = match a.total() {
            0 => "Nothing would change".to_owned(),
            n => format!("{} would be made", counted(n, "change", "changes")),
        };
        return (Tone::Good, title, format!("A rehearsal: nothing was written.{}", left_alone(summary)));
    }
    let undone = a.failed + a.skipped;
    let done = done(summary);
    if undone > 0 {
        let title = counted(undone, "object is not as wished", "objects are not as wished");
        let sentence = format!(
            "{} failed and {} skipped. Done and verified: {done}.{}{}",
            grouped(a.failed),
            grouped(a.skipped),
            awaited(summary),
            left_alone(summary)
        );
        return (Tone::Look, title, sentence);
    }
    let sentence = match a.total() {
        0 => format!("Nothing had to change.{}", left_alone(summary)),
        _ => format!("Done and verified: {done}.{}", left_alone(summary)),
    };
    (Tone::Good, wished.to_owned(), sentence)
}

fn awaited(summary: &Summary) -> String {
    match summary.awaiting_thaw {
        0 => String::new(),
        waiting => format!(
            " {} for archived bytes that were asked for: `s3twin resume {}` goes on when they can be read.",
            counted(waiting, "waits", "wait"),
            summary.run_id
        ),
    }
}

fn done(summary: &Summary) -> String {
    let a = &summary.actions;
    let parts: Vec<String> = [
        (a.copied, "copied"),
        (a.restored, "restored"),
        (a.deleted, "deleted"),
        (a.marker_removed, "undeleted"),
    ]
    .iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, word)| format!("{} {word}", grouped(*count)))
    .collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// A sync without `--delete` leaves what only the replica has; the reader should know.
fn left_alone(summary: &Summary) -> String {
    let a = &summary.actions;
    let touched = if summary.dry_run { u64::MAX } else { a.deleted + a.failed + a.skipped };
    match summary.verdicts.extra.saturating_sub(touched) {
        n if n > 0 && summary.command == "sync" => {
            let objects =
                counted(n, "object that only the replica has was", "objects that only the replica has were");
            format!(" {objects} left alone.")
        }
        _ => String::new(),
    }
}

/// A recovery drill: could everything be brought back, and in time?
fn drill(summary: &Summary) -> (Tone, String, String) {
    let found = summary.drill.clone().unwrap_or_default();
    let failed = summary.actions.failed;
    let title = match (failed, found.rto_kept) {
        (0, Some(false)) => {
            format!("Recovery works, but would take {}", duration(found.rto_seconds))
        }
        (0, _) => format!("Recovery works: everything in about {}", duration(found.rto_seconds)),
        _ => format!("{} could not be recovered", counted(failed, "object", "objects")),
    };
    let tone = if failed == 0 && found.rto_kept != Some(false) { Tone::Good } else { Tone::Look };
    let sentence = format!(
        "{} of {} test objects and {} of {} real objects were restored and proved. {}.",
        grouped(found.history.restored),
        grouped(found.history.objects),
        grouped(found.sample.restored),
        grouped(found.sample.objects),
        found.arithmetic
    );
    (tone, title, sentence)
}

fn stopped(summary: &Summary, title: &str) -> (Tone, String, String) {
    let sentence = match summary.keys.union {
        0 => "Nothing was settled before it stopped: it tells nothing about the objects.".to_owned(),
        keys => format!(
            "The counts on this page cover the {} settled before it stopped; they are not the whole truth.",
            counted(keys, "key", "keys")
        ),
    };
    (Tone::Stop, title.to_owned(), sentence)
}

fn refused() -> (Tone, String, String) {
    (Tone::Stop, "Refused: nothing was changed".to_owned(), "A safety brake stepped in.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample::{prove, summary};
    use super::*;

    fn title(command: &str, change: fn(&mut Summary)) -> (Tone, String, String) {
        let mut summary = summary(command, 1);
        change(&mut summary);
        let headline = Headline::of(&summary);
        (headline.tone, headline.title, headline.sentence)
    }

    #[test]
    fn an_audit_says_what_it_proved() {
        let (tone, words, sentence) = title("audit", |run| prove(run, 1));
        assert_eq!((tone, words.as_str()), (Tone::Good, "The two are identical"));
        assert_eq!(sentence, "The only key is proved equal on both sides.");
        let (tone, words, sentence) = title("audit", |run| {
            prove(run, 9);
            (run.verdicts.in_flight, run.keys.union) = (1, 10);
        });
        assert_eq!((tone, words.as_str()), (Tone::Good, "Identical but for 1 key in flight"));
        assert!(sentence.starts_with("9 of 10 keys are proved equal. 1 key is younger"), "{sentence}");
        let (tone, words, _) = title("audit", |run| (run.verdicts.missing, run.keys.union) = (1, 1));
        assert_eq!((tone, words.as_str()), (Tone::Look, "1 key needs a look"));
        assert_eq!(title("audit", |_| ()).1, "Both sides are empty");
        let (tone, words, sentence) = title("audit", |run| {
            prove(run, 3);
            run.replica = None;
        });
        assert_eq!((tone, words.as_str()), (Tone::Good, "Every object is as it was written"));
        assert!(sentence.starts_with("The bytes of 3 objects"), "{sentence}");
    }

    #[test]
    fn a_change_says_what_it_did() {
        let (_, words, sentence) = title("sync", |run| (run.actions.copied, run.verdicts.extra) = (1200, 2));
        assert_eq!(words, "The replica is as wished");
        assert_eq!(
            sentence,
            "Done and verified: 1,200 copied. 2 objects that only the replica has were left alone."
        );
        let (_, words, _) = title("sync", |run| (run.dry_run, run.actions.skipped) = (true, 1));
        assert_eq!(words, "1 change would be made");
        let (tone, words, _) = title("restore", |run| run.actions.failed = 2);
        assert_eq!((tone, words.as_str()), (Tone::Look, "2 objects are not as wished"));
    }

    #[test]
    fn a_run_that_stopped_claims_nothing() {
        for state in [RunState::Incomplete, RunState::Refused, RunState::Interrupted] {
            let mut summary = summary("audit", 1);
            summary.state = state;
            let headline = Headline::of(&summary);
            assert_eq!(headline.tone, Tone::Stop);
            assert!(!format!("{} {}", headline.title, headline.sentence).contains("identical"));
        }
    }
}

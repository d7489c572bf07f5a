//! When a job is due.

use crate::config::{Config, Job};
use croner::Cron;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use std::str::FromStr as _;

/// Due times counted after a long absence; more than this are as many as this.
const COUNTED: usize = 1000;

/// A cron line in its zone.
#[derive(Clone, Debug)]
pub(crate) struct Timetable {
    cron: Cron,
    zone: TimeZone,
}

/// Why there is none.
#[derive(Debug)]
pub(crate) struct TimetableError {
    pub(crate) message: String,
    pub(crate) help: String,
    /// The zone is wrong, not the cron line.
    pub(crate) is_zone: bool,
}

impl Timetable {
    /// Of a job; `None` for one that only people start.
    ///
    /// # Errors
    /// Says what is wrong with the line or the zone.
    pub(crate) fn of(config: &Config, job: &Job) -> Result<Option<Self>, TimetableError> {
        let zone = job.time_zone.as_ref().or(config.defaults.time_zone.as_ref());
        let zone = match zone {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(name).map_err(|error| TimetableError {
                message: format!("the time zone {name} is not known here: {error}"),
                help: "write it as Europe/Berlin or UTC".to_owned(),
                is_zone: true,
            })?,
        };
        let Some(line) = &job.cron else { return Ok(None) };
        let cron = Cron::from_str(line).map_err(|error| TimetableError {
            message: format!("`{line}` is no cron line: {error}"),
            help: "write minute hour day month weekday: \"15 2 * * *\" is 02:15 every night".to_owned(),
            is_zone: false,
        })?;
        Ok(Some(Self { cron, zone }))
    }

    /// The next time it is due; `None` if never again.
    pub(crate) fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        let start: Zoned = moment.to_zoned(self.zone.clone());
        self.cron.find_next_occurrence(&start, false).ok().map(|found| found.timestamp())
    }

    /// The times it was due in `(after, upto]`, oldest first.
    pub(crate) fn due(&self, after: Timestamp, upto: Timestamp) -> Vec<Timestamp> {
        let next = |from: &Timestamp| self.next_after(*from).filter(|due| *due <= upto);
        std::iter::successors(next(&after), next).take(COUNTED).collect()
    }

    /// In words: `At 02:15`.
    pub(crate) fn words(&self) -> String {
        let zone = self.zone.iana_name().unwrap_or("UTC");
        format!("{} ({zone})", self.cron.describe().trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timetable(cron: &str, zone: &str) -> Timetable {
        let zone = TimeZone::get(zone).unwrap();
        Timetable { cron: Cron::from_str(cron).unwrap(), zone }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_zone_decides_when_a_night_is() {
        let nightly = timetable("15 2 * * *", "Europe/Berlin");
        assert_eq!(nightly.next_after(at("2026-11-21T00:00:00Z")), Some(at("2026-11-21T01:15:00Z")));
        assert_eq!(nightly.next_after(at("2026-07-21T00:00:00Z")), Some(at("2026-07-21T00:15:00Z")));
        assert!(nightly.words().contains("Europe/Berlin"), "{}", nightly.words());
    }

    #[test]
    fn an_hour_that_does_not_exist_or_comes_twice_runs_the_job_once() {
        let nightly = timetable("30 2 * * *", "Europe/Berlin");
        // 29 March 2026: 02:00 becomes 03:00. 25 October 2026: 03:00 becomes 02:00.
        assert_eq!(nightly.due(at("2026-03-28T12:00:00Z"), at("2026-03-29T12:00:00Z")).len(), 1);
        assert_eq!(nightly.due(at("2026-10-24T12:00:00Z"), at("2026-10-25T12:00:00Z")).len(), 1);
    }

    #[test]
    fn what_was_due_is_after_the_one_and_not_after_the_other() {
        let hourly = timetable("0 * * * *", "UTC");
        let due = hourly.due(at("2026-11-21T01:00:00Z"), at("2026-11-21T04:00:00Z"));
        assert_eq!(due, [at("2026-11-21T02:00:00Z"), at("2026-11-21T03:00:00Z"), at("2026-11-21T04:00:00Z")]);
        assert_eq!(
            timetable("* * * * * *", "UTC").due(Timestamp::UNIX_EPOCH, at("2026-01-01T00:00:00Z")).len(),
            COUNTED
        );
    }
}

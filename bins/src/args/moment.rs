//! TIME on the command line: an instant, a local date-time with its zone, or an age.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use std::str::FromStr;

/// A point in time as the user said it. An age counts back from the start of the run, also when that is resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeArg {
    Instant(Timestamp),
    /// Seconds.
    Age(i64),
}

const HOW: &str = "say it as 2026-11-21T14:30:00Z (or with an offset: +01:00), as '2026-11-21 14:30:00 Europe/Berlin', \
                   or as an age: 90s, 30m, 2h, 3d, 1w";

impl TimeArg {
    /// The engine's timestamp, ages counted back from `now`.
    pub(crate) fn resolve(self, now: s3twin_engine::model::Timestamp) -> s3twin_engine::model::Timestamp {
        let millis = match self {
            Self::Instant(instant) => instant.as_millisecond(),
            Self::Age(seconds) => now.millis().saturating_sub(seconds.saturating_mul(1000)),
        };
        s3twin_engine::model::Timestamp::from_millis(millis)
    }
}

impl FromStr for TimeArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some(seconds) = age(text) {
            return Ok(Self::Age(seconds));
        }
        if let Ok(instant) = text.parse::<Timestamp>() {
            return Ok(Self::Instant(instant));
        }
        if let Ok(zoned) = text.parse::<Zoned>() {
            return Ok(Self::Instant(zoned.timestamp()));
        }
        if let Some((local, zone)) = text.rsplit_once(' ')
            && let Ok(local) = local.parse::<DateTime>()
            && !zone.starts_with(|first: char| first.is_ascii_digit())
        {
            let zone = TimeZone::get(zone)
                .map_err(|error| format!("the time zone {zone} is not known here: {error}; {HOW}"))?;
            let instant = zone.to_ambiguous_timestamp(local).unambiguous();
            return instant.map(Self::Instant).map_err(|_| {
                format!("{text} exists twice or not at all, because clocks are changed then: give it with an offset")
            });
        }
        if text.parse::<DateTime>().is_ok() {
            return Err(format!("{text} has no time zone, so it could be any of two dozen moments; {HOW}"));
        }
        Err(format!("{text} is no time; {HOW}"))
    }
}

/// Seconds of `2h` and the like.
pub(crate) fn age(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let number: i64 = text.strip_suffix(unit)?.parse().ok().filter(|number| *number >= 0)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    number.checked_mul(seconds)
}

/// A span as seconds, for flags.
pub(crate) fn span(text: &str) -> Result<u64, String> {
    age(text)
        .and_then(|seconds| u64::try_from(seconds).ok())
        .ok_or_else(|| "say it as 90s, 30m, 2h or 3d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn instant(text: &str) -> String {
        match text.parse::<TimeArg>() {
            Ok(TimeArg::Instant(instant)) => instant.to_string(),
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_three_ways() {
        assert_eq!(instant("2026-11-21T14:30:00Z"), "2026-11-21T14:30:00Z");
        assert_eq!(instant("2026-11-21T14:30:00+01:00"), "2026-11-21T13:30:00Z");
        assert_eq!(instant("2026-11-21 14:30 UTC"), "2026-11-21T14:30:00Z");
        assert_eq!(instant("2026-11-21T14:30:00[UTC]"), "2026-11-21T14:30:00Z");
        assert_eq!("2h".parse(), Ok(TimeArg::Age(7200)));
        assert_eq!("3d".parse(), Ok(TimeArg::Age(3 * 86_400)));
    }

    #[test]
    fn without_a_zone_it_is_refused_with_the_three_ways() {
        for text in ["2026-11-21T14:30:00", "2026-11-21 14:30", "2026-11-21"] {
            let error = text.parse::<TimeArg>().unwrap_err();
            assert!(
                error.contains("no time zone") && error.contains("Europe/Berlin") && error.contains("2h"),
                "{error}"
            );
        }
        assert!("yesterday".parse::<TimeArg>().is_err() && "-2h".parse::<TimeArg>().is_err());
    }

    #[test]
    fn expressions_of_the_corpus_are_refused_and_taken_as_they_deserve() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/corpora/times.txt");
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(lines.len() > 30, "{}", lines.len());
        for line in lines {
            let mut words = line.split('\t');
            let (verdict, said) = (words.next().unwrap(), words.next().unwrap());
            let read = match said.parse::<TimeArg>() {
                Ok(TimeArg::Instant(instant)) => Ok(instant.to_string()),
                Ok(TimeArg::Age(seconds)) => Ok(seconds.to_string()),
                Err(error) => Err(error),
            };
            match verdict {
                "taken" => assert_eq!(read.as_deref(), Ok(words.next().unwrap()), "{line}"),
                _ => assert!(read.clone().unwrap_err().len() > said.len(), "{line}: {read:?}"),
            }
        }
    }

    /// Everything the three ways are made of.
    const PIECES: [&str; 24] = [
        "2026",
        "-11",
        "-21",
        "T",
        "14",
        ":30",
        ":00",
        "Z",
        "+01:00",
        "[",
        "]",
        "Europe/Berlin",
        " ",
        "UTC",
        "2",
        "h",
        "d",
        "w",
        "-",
        "+",
        ".",
        "9999999999999999999",
        "\u{1f552}",
        "\0",
    ];

    proptest! {
        #[test]
        fn an_instant_printed_reads_as_itself(millis in 0_i64..=253_402_207_200_000, zone in 0_usize..4) {
            let instant = Timestamp::from_millisecond(millis).unwrap();
            let zone = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"][zone];
            let zoned = instant.in_tz(zone).unwrap();
            for text in [instant.to_string(), zoned.to_string()] {
                prop_assert_eq!(text.parse(), Ok(TimeArg::Instant(instant)), "{}", text);
            }
            // The words people use; where clocks are changed they may be refused, but never mistaken.
            let words = format!("{} {zone}", zoned.datetime());
            match words.parse::<TimeArg>() {
                Ok(read) => prop_assert_eq!(read, TimeArg::Instant(instant), "{}", words),
                Err(error) => prop_assert!(error.contains("twice or not at all"), "{}", error),
            }
        }

        #[test]
        fn an_age_printed_reads_as_itself(number in 0..=i64::MAX / 604_800, unit in 0_usize..5) {
            let (unit, seconds) = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400), ("w", 604_800)][unit];
            prop_assert_eq!(format!("{number}{unit}").parse(), Ok(TimeArg::Age(number * seconds)));
        }

        #[test]
        fn any_words_are_survived_and_lie_within_time(
            pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..12),
            text in "\\PC{0,30}"
        ) {
            for said in [pieces.concat(), text] {
                if let Ok(time) = said.parse::<TimeArg>() {
                    let now = s3twin_engine::model::Timestamp::from_seconds(1_767_225_600);
                    let resolved = time.resolve(now);
                    prop_assert!(!matches!(time, TimeArg::Age(_)) || resolved <= now, "{}", said);
                }
                let _ = span(&said);
            }
        }
    }
}

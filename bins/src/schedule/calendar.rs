//! A cron line as systemd's calendar says it.

const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// `15 2 * * 1-5` in Europe/Berlin: `Mon,Tue,Wed,Thu,Fri *-*-* 2:15:0 Europe/Berlin`.
///
/// # Errors
/// For what systemd cannot say, with what to do instead.
pub(crate) fn on_calendar(cron: &str, zone: &str) -> Result<String, String> {
    let cannot = || {
        format!("`{cron}` cannot be said as a timer of systemd: run `s3twin schedule` as a service instead")
    };
    let fields: Vec<&str> = cron.split_whitespace().collect();
    let (second, rest) = match fields.as_slice() {
        [second, rest @ ..] if rest.len() == 5 => (*second, rest),
        rest if rest.len() == 5 => ("0", rest),
        _ => return Err(cannot()),
    };
    let [minute, hour, day, month, weekday] = rest else { return Err(cannot()) };
    // Cron takes either of the two days, systemd only both at once.
    if *day != "*" && *weekday != "*" {
        return Err(cannot());
    }
    let part = |field: &str, first: u8| part(field, first).ok_or_else(cannot);
    let days = match *weekday {
        "*" => String::new(),
        field => format!("{} ", weekdays(field).ok_or_else(cannot)?),
    };
    let (month, day) = (part(month, 1)?, part(day, 1)?);
    let (hour, minute, second) = (part(hour, 0)?, part(minute, 0)?, part(second, 0)?);
    Ok(format!("{days}*-{month}-{day} {hour}:{minute}:{second} {zone}"))
}

/// Numbers, ranges, steps and lists of them.
fn part(field: &str, first: u8) -> Option<String> {
    let one = |piece: &str| {
        let (range, step) = piece.split_once('/').map_or((piece, None), |(range, step)| (range, Some(step)));
        let number = |text: &str| text.parse::<u8>().ok().map(|number| number.to_string());
        let range = match (range, range.split_once('-')) {
            ("*", _) if step.is_none() => "*".to_owned(),
            ("*", _) => first.to_string(),
            (_, Some((from, to))) => format!("{}..{}", number(from)?, number(to)?),
            (single, None) => number(single)?,
        };
        match step {
            None => Some(range),
            Some(step) => Some(format!("{range}/{}", number(step)?)),
        }
    };
    field.split(',').map(one).collect::<Option<Vec<_>>>().map(|pieces| pieces.join(","))
}

/// Names of days, each by itself: a range over Sunday means other things to the two.
fn weekdays(field: &str) -> Option<String> {
    let day = |text: &str| {
        let by_name = DAYS.iter().position(|day| day.eq_ignore_ascii_case(text));
        by_name.or_else(|| text.parse::<usize>().ok().filter(|number| *number <= 7))
    };
    let mut names = Vec::new();
    for piece in field.split(',') {
        let (from, to) = piece.split_once('-').unwrap_or((piece, piece));
        let (from, to) = (day(from)?, day(to)?);
        if from > to {
            return None;
        }
        names.extend((from..=to).filter_map(|number| DAYS.get(number % 7)).copied());
    }
    Some(names.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemd_can_say() {
        let said = |cron: &str| on_calendar(cron, "UTC").unwrap();
        assert_eq!(said("15 2 * * *"), "*-*-* 2:15:0 UTC");
        assert_eq!(said("*/15 0-6 * * *"), "*-*-* 0..6:0/15:0 UTC");
        assert_eq!(said("0 3 1,15 */2 *"), "*-1/2-1,15 3:0:0 UTC");
        assert_eq!(said("0 3 * * mon-fri"), "Mon,Tue,Wed,Thu,Fri *-*-* 3:0:0 UTC");
        assert_eq!(said("0 3 * * 6,7"), "Sat,Sun *-*-* 3:0:0 UTC");
        assert_eq!(said("30 0 3 * * *"), "*-*-* 3:0:30 UTC");
    }

    #[test]
    fn what_it_cannot_is_refused() {
        for cron in ["0 3 1 * 1", "0 3 L * *", "0 3 * * 5L", "@daily", "0 3 * jan *", "0 3 * * fri-mon"] {
            assert!(on_calendar(cron, "UTC").unwrap_err().contains("as a service instead"), "{cron}");
        }
    }
}

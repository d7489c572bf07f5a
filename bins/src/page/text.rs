//! Words, numbers and keys as a reader sees them.

use s3twin_engine::model::Timestamp;

/// A piece of a key: as it is, or the escape of something that would not show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) text: String,
    pub(crate) escaped: bool,
}

/// A key cut into what shows and what must be made to show: controls, line ends, invisible and
/// direction-turning characters, blanks at either end.
pub(crate) fn segments(key: &str) -> Vec<Segment> {
    let inner = key.trim_matches(' ');
    let first = key.len() - key.trim_start_matches(' ').len();
    let inner = first..first + inner.len();
    let mut out: Vec<Segment> = Vec::new();
    for (at, c) in key.char_indices() {
        let escaped = is_invisible(c) || (c == ' ' && !inner.contains(&at));
        match out.last_mut() {
            Some(last) if last.escaped == escaped => {}
            _ => out.push(Segment { text: String::new(), escaped }),
        }
        let Some(last) = out.last_mut() else { continue };
        match c {
            _ if !escaped => last.text.push(c),
            '\n' => last.text.push_str("\\n"),
            '\r' => last.text.push_str("\\r"),
            '\t' => last.text.push_str("\\t"),
            _ => last.text.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
        }
    }
    out
}

/// A key in one string, for plain text. A backslash of the key's own is doubled.
pub(crate) fn visible(key: &str) -> String {
    let show = |s: Segment| if s.escaped { s.text } else { s.text.replace('\\', "\\\\") };
    segments(key).into_iter().map(show).collect()
}

/// Characters that leave no mark or move others about. `page.js` has the same list.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{a0}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{2000}'..='\u{200f}' | '\u{2028}'..='\u{202f}'
            | '\u{205f}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e0fff}')
}

/// A sentence cut at its backquotes: what stood between them is marked.
pub(crate) fn commands(sentence: &str) -> Vec<Segment> {
    let piece = |(index, text): (usize, &str)| Segment { text: text.to_owned(), escaped: index % 2 == 1 };
    sentence.split('`').enumerate().map(piece).filter(|piece| !piece.text.is_empty()).collect()
}

/// A part of a whole in percent. Only the whole is 100 %, only nothing is 0 %.
pub(crate) fn share(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return "0%".to_owned();
    }
    if part >= whole {
        return "100%".to_owned();
    }
    // Thousandths of a percent, rounded down.
    let milli = u128::from(part) * 100_000 / u128::from(whole);
    match milli {
        0 => "<0.001%".to_owned(),
        1..1000 => format!("0.{milli:03}%"),
        99_000.. => format!("{}.{:03}%", milli / 1000, milli % 1000),
        _ => format!("{}.{}%", milli / 1000, milli % 1000 / 100),
    }
}

/// Width of a bar in percent of the largest; what is there is seen.
pub(crate) fn width(part: u64, largest: u64) -> String {
    #[allow(clippy::cast_precision_loss)]
    let percent = if largest == 0 { 0.0 } else { part as f64 * 100.0 / largest as f64 };
    format!("{percent:.2}")
}

/// A time span.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub(crate) fn duration(seconds: f64) -> String {
    if seconds < 1.0 {
        return format!("{:.0} ms", seconds * 1000.0);
    }
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds as u64;
    if whole < 3600 {
        return format!("{} min {:02} s", whole / 60, whole % 60);
    }
    if whole < 2 * 86_400 {
        return format!("{} h {:02} min", whole / 3600, whole % 3600 / 60);
    }
    format!("{} d {:02} h", whole / 86_400, whole % 86_400 / 3600)
}

/// A moment, always in UTC: the page is read by people in several zones.
pub(crate) fn moment(time: Timestamp) -> String {
    jiff::Timestamp::from_millisecond(time.millis())
        .map_or_else(|_| time.to_string(), |time| time.strftime("%-d %b %Y, %H:%M UTC").to_string())
}

/// Dollars, with as many places as there is something to say.
pub(crate) fn dollars(usd: f64) -> String {
    match usd {
        _ if usd <= 0.0 => "$0.00".to_owned(),
        _ if usd < 0.0001 => "< $0.0001".to_owned(),
        _ if usd < 1.0 => format!("${usd:.4}"),
        _ => format!("${usd:.2}"),
    }
}

/// With a capital at its beginning.
pub(crate) fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A count and its noun: `1 key`, `2 keys`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", crate::screen::grouped(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_show_is_made_to_show() {
        assert_eq!(visible("a/ü/日本/b.txt"), "a/ü/日本/b.txt");
        assert_eq!(visible("a\nb\u{202e}c\u{0}"), "a\\nb\\u{202e}c\\u{0}");
        assert_eq!(visible(" a b "), "\\u{20}a b\\u{20}");
        assert_eq!(visible("a\\nb"), "a\\\\nb");
        assert_eq!(visible("   "), "\\u{20}\\u{20}\\u{20}");
        assert_eq!(visible("a\u{2028}\u{feff}"), "a\\u{2028}\\u{feff}");
        assert_eq!(segments("a\nb").iter().map(|s| s.escaped).collect::<Vec<_>>(), [false, true, false]);
    }

    #[test]
    fn only_the_whole_is_a_hundred_percent() {
        assert_eq!(share(0, 10), "0%");
        assert_eq!(share(10, 10), "100%");
        assert_eq!(share(1, 3), "33.3%");
        assert_eq!(share(999_999, 1_000_000), "99.999%");
        assert_eq!(share(99_999_999, 100_000_000), "99.999%");
        assert_eq!(share(1, 1_000_000_000), "<0.001%");
        assert_eq!(share(u64::MAX - 1, u64::MAX), "99.999%");
    }

    #[test]
    fn spans_and_money_read_well() {
        assert_eq!(duration(0.25), "250 ms");
        assert_eq!(duration(12.34), "12.3 s");
        assert_eq!(duration(125.0), "2 min 05 s");
        assert_eq!(duration(7265.0), "2 h 01 min");
        assert_eq!(duration(7_572_840.0), "87 d 15 h");
        assert_eq!(dollars(0.0), "$0.00");
        assert_eq!(dollars(0.00001), "< $0.0001");
        assert_eq!(dollars(0.4216), "$0.4216");
        assert_eq!(dollars(12.0), "$12.00");
        assert_eq!(moment(Timestamp::from_seconds(1_795_270_500)), "21 Nov 2026, 14:15 UTC");
    }
}

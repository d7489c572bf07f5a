//! Rows inside the page: compact JSON that cannot end the element it lies in.

use super::digest::Limits;
use super::row::{Row, Side};
use super::text::is_invisible;
use s3twin_engine::compare::Verdict;
use std::collections::BTreeMap;

/// Rows as JSON arrays, in the order that `page.js` reads:
/// `[key, verdict, reason, source, replica, action, detail, advice]`, a side being
/// `[size, seconds, etag, class, version, checksum]`. Zeros at the end are left out, 0 stands for nothing
/// (and for the class STANDARD).
#[derive(Debug, Default)]
pub(crate) struct Embedded {
    json: String,
    count: u64,
    full: bool,
    reasons: BTreeMap<String, usize>,
}

impl Embedded {
    /// Takes a row, unless the page is full: then this and all later rows stay out.
    pub(crate) fn push(&mut self, row: &Row, limits: Limits) {
        if self.full || self.count >= limits.rows {
            self.full = true;
            return;
        }
        let next = self.reasons.len();
        let reason = *self.reasons.entry(row.reason().to_owned()).or_insert(next);
        let fields = [
            text(&row.key),
            index(row.verdict).to_string(),
            reason.to_string(),
            side(row.source.as_ref()),
            side(row.replica.as_ref()),
            optional(row.action.as_deref()),
            optional(row.detail.as_deref()),
            optional(Some(row.advice.as_str()).filter(|advice| !advice.is_empty())),
        ];
        let line = array(&fields);
        if self.json.len() + line.len() > limits.bytes {
            self.full = true;
            return;
        }
        if self.count > 0 {
            self.json.push_str(",\n");
        }
        self.json.push_str(&line);
        self.count += 1;
    }

    /// Rows in the page.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The content of the data element. `advice` speaks for a reason code.
    pub(crate) fn json(&self, advice: impl Fn(&str) -> String) -> String {
        let mut codes = vec![""; self.reasons.len()];
        for (code, index) in &self.reasons {
            codes[*index] = code.as_str();
        }
        let reasons: Vec<String> =
            codes.iter().map(|code| format!("[{},{}]", text(code), text(&advice(code)))).collect();
        let verdicts: Vec<String> = super::VERDICTS.iter().map(|info| text(info.code)).collect();
        format!(
            "{{\"verdicts\":[{}],\"reasons\":[{}],\"rows\":[{}]}}",
            verdicts.join(","),
            reasons.join(","),
            self.json
        )
    }
}

fn side(side: Option<&Side>) -> String {
    let Some(side) = side else { return "0".to_owned() };
    let millis = side.last_modified.millis();
    let time = if millis % 1000 == 0 {
        (millis / 1000).to_string()
    } else {
        format!("{}.{:03}", millis.div_euclid(1000), millis.rem_euclid(1000))
    };
    array(&[
        side.size.to_string(),
        time,
        optional(side.etag.as_deref()),
        optional(Some(side.storage_class.as_str()).filter(|class| !matches!(*class, "" | "STANDARD"))),
        optional(side.version_id.as_deref()),
        optional(side.checksum.as_deref()),
    ])
}

fn array(fields: &[String]) -> String {
    let used = fields.iter().rposition(|field| field != "0").map_or(0, |last| last + 1);
    format!("[{}]", fields[..used].join(","))
}

fn optional(value: Option<&str>) -> String {
    value.map_or_else(|| "0".to_owned(), text)
}

/// A JSON string without the characters that mean something to an HTML or a script parser. All of them are
/// inside of strings, where JSON allows an escape in their place.
fn text(value: &str) -> String {
    // Nearly every key and ETag.
    if value.bytes().all(|byte| byte.is_ascii_graphic() && !br#""\<>&"#.contains(&byte)) {
        return ["\"", value, "\""].concat();
    }
    let mut out = String::with_capacity(value.len() + 2);
    for c in serde_json::Value::from(value).to_string().chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            // Line ends of scripts, and whatever would turn the text of the file about in an editor.
            _ if is_invisible(c) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            _ => out.push(c),
        }
    }
    out
}

/// The number a verdict has in a row is its place in [`super::VERDICTS`].
pub(crate) fn index(verdict: Verdict) -> usize {
    super::VERDICTS.iter().position(|info| info.verdict == verdict).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_string_can_end_its_element() {
        let odd = "</script><!-- \u{e0001}\u{2028}\u{2029} ]]> & \"\\ \u{0}\u{85}";
        let json = text(odd);
        for end in ["<", ">", "&", "\u{2028}", "\u{2029}", "\u{0}", "\u{85}"] {
            assert!(!json.contains(end), "{json}");
        }
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), odd);
    }

    #[test]
    fn nothing_at_the_end_is_left_out() {
        assert_eq!(array(&["1".to_owned(), "0".to_owned(), "2".to_owned(), "0".to_owned()]), "[1,0,2]");
        assert_eq!(array(&["0".to_owned()]), "[]");
    }

    #[test]
    fn a_verdict_has_its_place() {
        for (place, info) in super::super::VERDICTS.iter().enumerate() {
            assert_eq!(index(info.verdict), place);
            assert_eq!(serde_json::to_value(info.verdict).unwrap(), info.code);
        }
    }
}

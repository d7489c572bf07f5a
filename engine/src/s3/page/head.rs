//! What a page says beside its entries, and the checks that need the whole page.

use super::ListKind;
use super::error::{Fault, PageError, Step, excerpt};
use super::field;
use super::name::Name;
use super::percent::{self, SpaceStyle};
use crate::model::Page;

/// The fields of the root element.
#[derive(Debug)]
pub(super) struct Head {
    kind: ListKind,
    plus_is_literal: bool,
    seen: u64,
    url_encoded: bool,
    style: SpaceStyle,
    truncated: Option<bool>,
    key_count: Option<u64>,
    /// These wait for the end of the page, because the encoding may be named after them.
    prefixes: Vec<Box<str>>,
    next_marker: Option<Box<str>>,
    next_version_id: Option<Box<str>>,
    next_token: Option<Box<str>>,
}

impl Head {
    pub(super) fn new(kind: ListKind, plus_is_literal: bool) -> Self {
        Self {
            kind,
            plus_is_literal,
            seen: 0,
            url_encoded: false,
            style: SpaceStyle::default(),
            truncated: None,
            key_count: None,
            prefixes: Vec::new(),
            next_marker: None,
            next_version_id: None,
            next_token: None,
        }
    }

    /// Is it a field of such a page? Others are skipped.
    pub(super) fn has(list: ListKind, name: Name) -> bool {
        match name {
            Name::IsTruncated | Name::EncodingType => true,
            Name::KeyCount | Name::NextMarker | Name::NextContinuationToken => list == ListKind::Objects,
            Name::NextKeyMarker | Name::NextVersionIdMarker => list == ListKind::Versions,
            _ => false,
        }
    }

    /// Has the response said `<EncodingType>url</EncodingType>`? What was asked for does not matter: a server
    /// that ignores the request sends keys as they are.
    pub(super) fn is_url_encoded(&self) -> bool {
        self.url_encoded
    }

    /// Takes a field of the root.
    pub(super) fn assign(&mut self, name: Name, text: &str) -> Step<()> {
        if self.seen & name.bit() != 0 {
            return Err(Fault::malformed(0, format!("<{name:?}> twice in one page")));
        }
        self.seen |= name.bit();
        let value = text.trim_ascii();
        let unreadable = || Fault::malformed(0, format!("<{name:?}> with a value that cannot be read"));
        let some = || (!text.is_empty()).then(|| text.into());
        match name {
            Name::IsTruncated => self.truncated = Some(field::flag(value.as_bytes()).ok_or_else(unreadable)?),
            Name::KeyCount => self.key_count = Some(field::number(value.as_bytes()).ok_or_else(unreadable)?),
            Name::EncodingType if value.eq_ignore_ascii_case("url") => self.url_encoded = true,
            Name::EncodingType if !value.is_empty() => return Err(unreadable()),
            Name::NextMarker | Name::NextKeyMarker => self.next_marker = some(),
            Name::NextVersionIdMarker => self.next_version_id = some(),
            Name::NextContinuationToken => self.next_token = some(),
            _ => {}
        }
        Ok(())
    }

    /// Keeps a common prefix for the end.
    pub(super) fn push_prefix(&mut self, text: &str) {
        self.prefixes.push(text.into());
    }

    /// Appends a key or prefix, decoded if the page is known to be encoded.
    pub(super) fn decode_key(&mut self, text: &str, out: &mut String) -> Step<()> {
        if !self.url_encoded {
            out.push_str(text);
            return Ok(());
        }
        percent::decode(text, self.plus_is_literal, &mut self.style, out)
            .map_err(|reason| Fault::malformed(0, format!("{reason}, in `{}`", excerpt(text.as_bytes()))))
    }

    fn decode(&mut self, text: &str) -> Step<Box<str>> {
        let mut out = String::with_capacity(text.len());
        self.decode_key(text, &mut out)?;
        Ok(out.into())
    }

    /// Completes the page and checks it as a whole.
    pub(super) fn finish(mut self, mut page: Page) -> Step<Page> {
        let prefixes = std::mem::take(&mut self.prefixes);
        page.common_prefixes = prefixes.iter().map(|prefix| self.decode(prefix)).collect::<Step<_>>()?;
        page.next_key_marker = self.next_marker.take().map(|marker| self.decode(&marker)).transpose()?;
        page.next_version_id_marker = self.next_version_id.take();
        page.next_continuation_token = self.next_token.take();
        if self.style.plus && self.style.percent && !self.plus_is_literal {
            return Err(Fault::malformed(
                0,
                "keys with `+` as well as `%20`: this server leaves `+` unencoded, and must be read accordingly",
            ));
        }
        // Never guessed: a page wrongly taken for the last would make every key after it "missing".
        page.truncated = self.truncated.ok_or_else(|| Fault::malformed(0, "no <IsTruncated> in the page"))?;
        self.check_count(&page)?;
        check_order(self.kind, &page)?;
        self.check_progress(&page)?;
        Ok(page)
    }

    /// KeyCount is keys plus common prefixes; some servers count keys alone.
    fn check_count(&self, page: &Page) -> Step<()> {
        let Some(count) = self.key_count else {
            return Ok(());
        };
        let (keys, prefixes) = (page.len(), page.common_prefixes.len());
        let matches = |n: usize| u64::try_from(n) == Ok(count);
        if matches(keys + prefixes) || matches(keys) {
            return Ok(());
        }
        Err(Fault::malformed(
            0,
            format!("<KeyCount> says {count}, but there are {keys} keys and {prefixes} common prefixes"),
        ))
    }

    fn check_progress(&self, page: &Page) -> Step<()> {
        if !page.truncated {
            return Ok(());
        }
        match self.kind {
            ListKind::Versions if page.next_key_marker.is_none() => {
                Err(Fault::malformed(0, "more versions follow, but there is no <NextKeyMarker>"))
            }
            ListKind::Objects
                if page.is_empty()
                    && page.common_prefixes.is_empty()
                    && page.next_continuation_token.is_none()
                    && page.next_key_marker.is_none() =>
            {
                Err(Fault::complete(PageError::NoProgress))
            }
            ListKind::Objects | ListKind::Versions => Ok(()),
        }
    }
}

/// Keys ascend: strictly for objects; for versions a key may repeat, but not with the same version id.
fn check_order(kind: ListKind, page: &Page) -> Step<()> {
    let mut entries = page.iter();
    let Some(mut previous) = entries.next() else {
        return Ok(());
    };
    for (index, entry) in entries.enumerate() {
        let ascends = match entry.key.cmp(previous.key) {
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => {
                kind == ListKind::Versions && entry.version_id != previous.version_id
            }
            std::cmp::Ordering::Less => false,
        };
        if !ascends {
            return Err(Fault::complete(PageError::OutOfOrder {
                row: index + 1,
                previous: previous.key.into(),
                key: entry.key.into(),
            }));
        }
        previous = entry;
    }
    Ok(())
}

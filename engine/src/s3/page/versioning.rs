//! The answer to GetBucketVersioning.
//!
//! Read here and not by the SDK, which insists on the root `VersioningConfiguration`: moto names it after the
//! response, and a restore needs to know. Tolerant in nothing else: what is no such document is an error and never
//! "no versioning".

use super::error::{Fault, PageError, Step};
use super::scan::{self, Token};
use super::{MAX_DEPTH, entity, tag};
use crate::s3::{Versioning, VersioningSettings};

/// Longest body that is looked at; the document has a hundred bytes.
pub const MAX_VERSIONING_BODY: usize = 64 << 10;
/// S3's name of the document, and moto's.
const ROOTS: [&[u8]; 2] = [b"VersioningConfiguration", b"GetBucketVersioningResponse"];

/// Reads a whole body.
///
/// # Errors
/// [`PageError`], as for a list page.
pub fn read_versioning(body: &[u8]) -> Result<VersioningSettings, PageError> {
    if body.len() > MAX_VERSIONING_BODY {
        return Err(PageError::TooLarge { offset: 0, what: "the body", limit: MAX_VERSIONING_BODY });
    }
    let mut document = Document::default();
    let mut at = if body.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    loop {
        let rest = body.get(at..).unwrap_or_default();
        let blank = rest.iter().all(|byte| tag::is_space(*byte));
        if blank && document.ended {
            return document.answer();
        }
        let read = match scan::next(rest) {
            // Text is a token only with markup behind it.
            Ok(None) if !rest.starts_with(b"<") && !blank => Err(document.stray()),
            Ok(None) => return Err(PageError::Truncated { bytes: body.len() as u64 }),
            Ok(Some((token, length))) => document.accept(token).map(|()| length),
            Err(fault) => Err(fault),
        };
        match read {
            Ok(length) => at += length,
            Err(fault) => return Err(fault.into_error(rest, at as u64)),
        }
    }
}

/// What was read so far.
#[derive(Debug, Default)]
struct Document<'a> {
    /// Names of the open elements, as written.
    open: Vec<&'a [u8]>,
    ended: bool,
    is_error: bool,
    status: Option<String>,
    mfa_delete: Option<String>,
    code: String,
    message: String,
}

impl<'a> Document<'a> {
    fn accept(&mut self, token: Token<'a>) -> Step<()> {
        match token {
            Token::Open(tag) => self.begin(tag.raw),
            Token::Empty(tag) => {
                self.begin(tag.raw)?;
                self.end(tag.raw)
            }
            Token::Close(name) => self.end(name),
            Token::Text(raw) => {
                let mut text = String::new();
                entity::append(raw, &mut text).map_err(|(at, reason)| Fault::malformed(at, reason))?;
                self.text(&text)
            }
            Token::Cdata(raw) => {
                let mut text = String::new();
                entity::append_cdata(raw, &mut text).map_err(|(at, reason)| Fault::malformed(at, reason))?;
                self.text(&text)
            }
            Token::Declaration(_) | Token::Aside => Ok(()),
        }
    }

    fn begin(&mut self, name: &'a [u8]) -> Step<()> {
        if self.ended {
            return Err(Fault::malformed(0, "something follows the end of the document"));
        }
        if self.open.is_empty() {
            self.is_error = local(name) == b"Error";
            if !self.is_error && !ROOTS.contains(&local(name)) {
                return Err(Fault::not_a_listing());
            }
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(Fault::too_large("the nesting", MAX_DEPTH));
        }
        self.open.push(name);
        let before = match self.field() {
            Some(b"Status") => self.status.replace(String::new()),
            Some(b"MfaDelete") => self.mfa_delete.replace(String::new()),
            _ => None,
        };
        if before.is_some() {
            return Err(Fault::malformed(0, "a second Status or MfaDelete"));
        }
        Ok(())
    }

    fn end(&mut self, name: &[u8]) -> Step<()> {
        if self.open.pop() != Some(name) {
            return Err(Fault::malformed(0, "an end tag of something else"));
        }
        self.ended = self.open.is_empty();
        Ok(())
    }

    /// The element right below the root that is open, and nothing in it.
    fn field(&self) -> Option<&'a [u8]> {
        match &*self.open {
            [_, field] => Some(local(field)),
            _ => None,
        }
    }

    fn text(&mut self, text: &str) -> Step<()> {
        let into = match self.field() {
            Some(b"Status") => self.status.get_or_insert_default(),
            Some(b"MfaDelete") => self.mfa_delete.get_or_insert_default(),
            Some(b"Code") => &mut self.code,
            Some(b"Message") => &mut self.message,
            Some(_) => return Ok(()),
            None if self.open.len() > 2 || text.trim_ascii().is_empty() => return Ok(()),
            None => return Err(self.stray()),
        };
        into.push_str(text);
        Ok(())
    }

    fn stray(&self) -> Box<Fault> {
        if self.open.is_empty() && !self.ended {
            return Fault::not_a_listing();
        }
        Fault::malformed(0, "text where none belongs")
    }

    fn answer(self) -> Result<VersioningSettings, PageError> {
        if self.is_error {
            return Err(PageError::ErrorDocument {
                code: self.code.trim().into(),
                message: self.message.trim().into(),
            });
        }
        let unknown = |said: &str, reason| Err(Fault::malformed(0, reason).into_error(said.as_bytes(), 0));
        let state = match self.status.as_deref().map(str::trim_ascii) {
            None | Some("") => Versioning::Off,
            Some("Enabled") => Versioning::Enabled,
            Some("Suspended") => Versioning::Suspended,
            Some(other) => return unknown(other, "the versioning status is neither Enabled nor Suspended"),
        };
        let mfa_delete = match self.mfa_delete.as_deref().map(str::trim_ascii) {
            None | Some("" | "Disabled") => false,
            Some("Enabled") => true,
            Some(other) => return unknown(other, "MfaDelete is neither Enabled nor Disabled"),
        };
        Ok(VersioningSettings { state, mfa_delete })
    }
}

/// Without its namespace prefix.
fn local(name: &[u8]) -> &[u8] {
    name.rsplit(|byte| *byte == b':').next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";

    fn read(text: &str) -> Result<Versioning, PageError> {
        read_versioning(text.as_bytes()).map(|settings| settings.state)
    }

    #[test]
    fn a_second_factor_is_read_from_the_same_document() {
        for root in ROOTS.map(|root| String::from_utf8_lossy(root)) {
            for (said, wanted) in
                [("<MfaDelete>Enabled</MfaDelete>", true), ("<MfaDelete/>", false), ("", false)]
            {
                let text = format!("<{root}><Status>Enabled</Status>{said}</{root}>");
                let wanted = VersioningSettings { state: Versioning::Enabled, mfa_delete: wanted };
                assert_eq!(read_versioning(text.as_bytes()), Ok(wanted));
            }
        }
    }

    #[test]
    fn what_servers_answer() {
        let s3 = "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";
        let moto = "<GetBucketVersioningResponse xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";
        for (root, end) in [(s3, "VersioningConfiguration"), (moto, "GetBucketVersioningResponse")] {
            assert_eq!(read(&format!("{DECLARATION}{root}/>")), Ok(Versioning::Off));
            for (word, wanted) in [("Enabled", Versioning::Enabled), ("Suspended", Versioning::Suspended)] {
                let text = format!(
                    "{DECLARATION}{root}><Status>{word}</Status><MfaDelete>Disabled</MfaDelete></{end}>\n"
                );
                assert_eq!(read(&text), Ok(wanted));
            }
        }
        let nested = "<a:VersioningConfiguration xmlns:a=\"x\"> <!-- --> <More><Status>Enabled</Status></More>\n\
                      </a:VersioningConfiguration>";
        assert_eq!(read(nested), Ok(Versioning::Off), "only the root's own Status counts");
    }

    #[test]
    fn what_is_no_answer_is_never_taken_for_no_versioning() {
        let root = |inside: &str| format!("<VersioningConfiguration>{inside}</VersioningConfiguration>");
        let malformed = [
            root("<Status>enabled?</Status>"),
            root("<MfaDelete>perhaps</MfaDelete>"),
            root("<MfaDelete>Enabled</MfaDelete><MfaDelete>Disabled</MfaDelete>"),
            root("<Status>Enabled</Status><Status>Suspended</Status>"),
            root("Enabled"),
            root("<Status>Enabled</Other>"),
            root("") + "x",
            root("") + &root(""),
            root("&nosuch;"),
        ];
        for text in malformed {
            assert!(matches!(read(&text), Err(PageError::Malformed { .. })), "{text}: {:?}", read(&text));
        }
        for text in ["<html></html>", "{\"Status\":\"Enabled\"}", "<LocationConstraint/>", "Enabled<a/>"] {
            assert!(matches!(read(text), Err(PageError::NotAListing { .. })), "{text}: {:?}", read(text));
        }
        for text in
            ["", " \n", "<VersioningConfiguration>", "<VersioningConfiguration><Status>Enabled</Status>"]
        {
            assert!(matches!(read(text), Err(PageError::Truncated { .. })), "{text}: {:?}", read(text));
        }
        let error = read("<Error><Code>SlowDown</Code><Message>later</Message></Error>");
        assert_eq!(error, Err(PageError::ErrorDocument { code: "SlowDown".into(), message: "later".into() }));
        let deep = "<VersioningConfiguration>".to_owned() + &"<a>".repeat(MAX_DEPTH);
        assert!(matches!(read(&deep), Err(PageError::TooLarge { .. })));
    }

    #[test]
    fn every_cut_and_every_changed_byte_is_survived() {
        let text = format!(
            "{DECLARATION}<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>"
        );
        for end in 0..text.len() {
            assert!(read_versioning(&text.as_bytes()[..end]).is_err(), "{end}");
        }
        for at in 0..text.len() {
            for byte in [0, b'<', b'>', b'&', b'/', b'"', b'x', 0xff] {
                let mut bytes = text.clone().into_bytes();
                bytes[at] = byte;
                // Suspended and Off are too far away from Enabled for one byte.
                let state = read_versioning(&bytes).map(|settings| settings.state);
                assert_ne!(state, Ok(Versioning::Suspended));
            }
        }
    }
}

//! The grammar of a listing: from tokens to rows.
//!
//! Strict where a silent mistake would cost objects (an entry in the wrong place, a field twice, a missing field,
//! a count that does not match), lenient where it cannot (unknown elements, order of elements, namespaces).
//!
//! Bounds: [`MAX_DEPTH`] open elements, [`MAX_ENTRIES`] rows and common prefixes, [`MAX_TOKEN`] bytes of one value.

use super::entity::{self, TextFault};
use super::entry::Draft;
use super::error::{Fault, PageError, Step};
use super::head::Head;
use super::name::Name;
use super::role::Role;
use super::scan::Token;
use super::tag::{Tag, is_space};
use super::{ListKind, MAX_DEPTH, MAX_ENTRIES, MAX_TOKEN};
use crate::model::{Page, PageBuilder};

/// An open element: its role, and where its name as written begins in [`Listing::names`].
#[derive(Clone, Copy, Debug)]
struct Open {
    role: Role,
    name_start: usize,
}

/// How far the document has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Start,
    Prolog,
    Root,
    Epilog,
}

/// The state between two tokens.
#[derive(Debug)]
pub(super) struct Listing {
    kind: ListKind,
    phase: Phase,
    open: Vec<Open>,
    names: Vec<u8>,
    /// Text of the open field so far.
    value: String,
    head: Head,
    draft: Draft,
    builder: PageBuilder,
    entries: usize,
    error: (Box<str>, Box<str>),
}

impl Listing {
    pub(super) fn new(kind: ListKind, plus_is_literal: bool) -> Self {
        Self {
            kind,
            phase: Phase::Start,
            open: Vec::with_capacity(8),
            names: Vec::with_capacity(128),
            value: String::with_capacity(256),
            head: Head::new(kind, plus_is_literal),
            draft: Draft::default(),
            builder: PageBuilder::new(),
            entries: 0,
            error: Default::default(),
        }
    }

    /// True until the root element has begun.
    pub(super) fn before_root(&self) -> bool {
        matches!(self.phase, Phase::Start | Phase::Prolog)
    }

    /// True once the root element is closed.
    pub(super) fn is_complete(&self) -> bool {
        self.phase == Phase::Epilog
    }

    /// Could a document of this root be meant?
    pub(super) fn expects(&self, root: Name) -> bool {
        root == self.kind.root() || root == Name::Error
    }

    /// Takes the next token of the document.
    pub(super) fn accept(&mut self, token: Token<'_>) -> Step<()> {
        match token {
            Token::Open(tag) => self.open(tag)?,
            Token::Close(raw) => self.close(raw)?,
            Token::Empty(tag) => {
                self.open(tag)?;
                self.close(tag.raw)?;
            }
            Token::Text(raw) => self.text(raw, entity::append)?,
            Token::Cdata(_) if self.open.is_empty() => {
                return Err(Fault::malformed(0, "CDATA outside the root element"));
            }
            Token::Cdata(raw) => self.text(raw, entity::append_cdata)?,
            Token::Declaration(content) => {
                if self.phase != Phase::Start {
                    return Err(Fault::malformed(0, "an XML declaration that is not at the beginning"));
                }
                check_encoding(content)?;
            }
            Token::Aside => {}
        }
        if self.phase == Phase::Start {
            self.phase = Phase::Prolog;
        }
        Ok(())
    }

    fn role(&self) -> Option<Role> {
        self.open.last().map(|open| open.role)
    }

    /// Takes an element with nothing but text in it. If it is not a field here, it takes the long way.
    pub(super) fn accept_field(&mut self, tag: Tag<'_>, raw: &[u8]) -> Step<()> {
        let Some(parent) = self.role() else {
            return self.accept_in_steps(tag, raw);
        };
        let name = match parent.child(self.kind, tag.name)? {
            Role::Field(name) => name,
            Role::Skipped if entity::plain(raw).is_some() => return Ok(()),
            _ => return self.accept_in_steps(tag, raw),
        };
        let of_entry = matches!(parent, Role::Entry(_) | Role::Restore) && name != Name::Key;
        if of_entry && self.draft.assign_raw(name, raw)? {
            return Ok(());
        }
        if let Some(text) = entity::plain(raw) {
            return self.assign(parent, name, text);
        }
        let mut value = std::mem::take(&mut self.value);
        value.clear();
        entity::append(raw, &mut value)
            .map_err(|(at, reason)| Fault::malformed(at + tag.raw.len() + 2, reason))?;
        let result = self.assign(parent, name, &value);
        self.value = value;
        result
    }

    fn accept_in_steps(&mut self, tag: Tag<'_>, raw: &[u8]) -> Step<()> {
        self.open(tag)?;
        self.text(raw, entity::append).map_err(|mut fault| {
            fault.at += tag.raw.len() + 2;
            fault
        })?;
        self.close(tag.raw)
    }

    fn open(&mut self, tag: Tag<'_>) -> Step<()> {
        let role = match self.role() {
            None => self.open_root(tag.name)?,
            Some(parent) => parent.child(self.kind, tag.name)?,
        };
        if self.open.len() >= MAX_DEPTH {
            return Err(Fault::too_large("the nesting of elements", MAX_DEPTH));
        }
        match role {
            Role::Entry(kind) => self.draft.begin(kind),
            Role::Restore => self.draft.begin_restore()?,
            Role::Field(_) => self.value.clear(),
            Role::Root | Role::Error | Role::Prefixes | Role::Skipped => {}
        }
        self.open.push(Open { role, name_start: self.names.len() });
        self.names.extend_from_slice(tag.raw);
        Ok(())
    }

    fn open_root(&mut self, name: Name) -> Step<Role> {
        if self.phase == Phase::Epilog {
            return Err(Fault::malformed(0, "a second root element"));
        }
        let role = match name {
            Name::Error => Role::Error,
            name if name == self.kind.root() => Role::Root,
            _ => return Err(Fault::not_a_listing()),
        };
        self.phase = Phase::Root;
        Ok(role)
    }

    fn text(&mut self, raw: &[u8], append: fn(&[u8], &mut String) -> Result<(), TextFault>) -> Step<()> {
        match self.role() {
            Some(Role::Field(_)) => {}
            Some(Role::Skipped) => self.value.clear(),
            _ => {
                return match raw.iter().position(|byte| !is_space(*byte)) {
                    None => Ok(()),
                    Some(_) if self.before_root() => Err(Fault::not_a_listing()),
                    Some(at) => Err(Fault::malformed(at, "text between elements")),
                };
            }
        }
        append(raw, &mut self.value).map_err(|(at, reason)| Fault::malformed(at, reason))?;
        if self.value.len() > MAX_TOKEN {
            return Err(Fault::too_large("the text of an element", MAX_TOKEN));
        }
        Ok(())
    }

    fn close(&mut self, raw: &[u8]) -> Step<()> {
        let Some(Open { role, name_start }) = self.open.pop() else {
            return Err(Fault::malformed(0, "an end tag without a start tag"));
        };
        let expected = self.names.get(name_start..).unwrap_or_default();
        if expected != raw {
            let expected = String::from_utf8_lossy(expected);
            return Err(Fault::malformed(0, format!("the end tag of another element than <{expected}>")));
        }
        self.names.truncate(name_start);
        match role {
            Role::Root => self.phase = Phase::Epilog,
            Role::Error => {
                let (code, message) = std::mem::take(&mut self.error);
                return Err(Fault::complete(PageError::ErrorDocument { code, message }));
            }
            Role::Entry(_) => self.finish_entry()?,
            Role::Restore => self.draft.finish_restore()?,
            Role::Field(name) => {
                let value = std::mem::take(&mut self.value);
                let parent = self.role().unwrap_or(Role::Skipped);
                self.assign(parent, name, &value)?;
                self.value = value;
            }
            Role::Prefixes | Role::Skipped => {}
        }
        Ok(())
    }

    /// Gives a field of `parent` its value.
    fn assign(&mut self, parent: Role, name: Name, text: &str) -> Step<()> {
        match parent {
            Role::Root => {
                let was_encoded = self.head.is_url_encoded();
                self.head.assign(name, text)?;
                if self.head.is_url_encoded() && !was_encoded {
                    self.decode_rows()?;
                }
                Ok(())
            }
            Role::Entry(_) if name == Name::Key => self.head.decode_key(text, self.draft.key_mut()?),
            Role::Entry(_) | Role::Restore => self.draft.assign(name, text),
            Role::Prefixes => {
                self.count_entry()?;
                self.head.push_prefix(text);
                Ok(())
            }
            Role::Error => {
                let slot = if name == Name::Code { &mut self.error.0 } else { &mut self.error.1 };
                *slot = text.trim().into();
                Ok(())
            }
            Role::Field(_) | Role::Skipped => Ok(()),
        }
    }

    fn count_entry(&mut self) -> Step<()> {
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return Err(Fault::too_large("the number of entries", MAX_ENTRIES));
        }
        Ok(())
    }

    fn finish_entry(&mut self) -> Step<()> {
        self.count_entry()?;
        self.draft.finish(self.kind, &mut self.builder)
    }

    /// `EncodingType` came after entries, which were taken as they stood.
    fn decode_rows(&mut self) -> Step<()> {
        let page = std::mem::take(&mut self.builder).finish();
        let mut key = String::new();
        for entry in page.iter() {
            key.clear();
            self.head.decode_key(entry.key, &mut key)?;
            self.builder
                .push(&key, entry.version_id.unwrap_or_default(), entry.row.clone())
                .map_err(|error| Fault::malformed(0, error.to_string()))?;
        }
        Ok(())
    }

    /// The page, once the document is complete.
    pub(super) fn finish(self) -> Step<Page> {
        self.head.finish(self.builder.finish())
    }
}

/// Only UTF-8 is read, so another encoding must not be passed over.
fn check_encoding(declaration: &[u8]) -> Step<()> {
    let Some(at) = memchr::memmem::find(declaration, b"encoding") else {
        return Ok(());
    };
    let value = declaration.get(at + 8..).unwrap_or_default().trim_ascii_start();
    let value = value.strip_prefix(b"=").unwrap_or_default().trim_ascii_start();
    let mut parts = value.get(1..).unwrap_or_default().split(|byte| Some(byte) == value.first());
    let encoding = parts.next().unwrap_or_default();
    let readable = [&b"utf-8"[..], b"utf8", b"us-ascii"];
    if readable.iter().any(|name| encoding.eq_ignore_ascii_case(name)) {
        return Ok(());
    }
    Err(Fault::malformed(0, "an encoding other than UTF-8"))
}

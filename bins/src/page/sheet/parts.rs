//! What a sheet is put together from, and how figures of a report become words.

use super::super::view::{Fact, Slice};
use crate::page::text::{Segment, commands, visible};
use crate::page::{duration, moment};
use crate::screen::{bytes, grouped};
use s3twin_engine::model::Timestamp;
use serde_json::Value;

/// One or two blocks beside each other.
pub(crate) type Section = Vec<Block>;

/// A heading and what stands under it.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) title: String,
    pub(crate) intro: String,
    pub(crate) body: Body,
}

/// How something is shown.
#[derive(Debug)]
pub(crate) enum Body {
    Facts(Vec<Fact>),
    Bars(Vec<Slice>),
    Table(Table),
    Nothing,
}

/// Rows and columns.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) head: Vec<String>,
    /// The first column of numbers.
    pub(crate) numbers_from: usize,
    /// Too many columns for a phone: it is moved sideways there. Others become cards.
    pub(crate) wide: bool,
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// One field.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// Under it, in small letters.
    pub(crate) small: String,
    /// Style: `good`, `look`, `stop`, `soft`, or none.
    pub(crate) tone: &'static str,
    pub(crate) mono: bool,
    pub(crate) link: Option<String>,
}

impl Block {
    pub(super) fn new(title: impl Into<String>, body: Body) -> Self {
        Self { title: title.into(), intro: String::new(), body }
    }

    pub(super) fn intro(self, intro: impl Into<String>) -> Self {
        Self { intro: intro.into(), ..self }
    }
}

impl Table {
    pub(super) fn new(head: &[&str], rows: Vec<Vec<Cell>>) -> Self {
        let head: Vec<String> = head.iter().map(|name| visible(name)).collect();
        Self { numbers_from: head.len(), head, wide: false, rows }
    }

    pub(super) fn numbers_from(self, column: usize) -> Self {
        Self { numbers_from: column, ..self }
    }
}

impl Cell {
    pub(super) fn new(text: impl AsRef<str>) -> Self {
        Self { text: visible(text.as_ref()), ..Self::default() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.small.is_empty()
    }

    /// Commands in it are marked.
    pub(crate) fn pieces(&self) -> Vec<Segment> {
        commands(&self.text)
    }

    pub(super) fn toned(self, tone: &'static str) -> Self {
        Self { tone, ..self }
    }

    pub(super) fn small(self, small: impl AsRef<str>) -> Self {
        Self { small: visible(small.as_ref()), ..self }
    }

    pub(super) fn mono(self) -> Self {
        Self { mono: true, ..self }
    }
}

/// A word of a report; empty where there is none.
pub(super) fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A count of a report; 0 where there is none.
pub(super) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

/// The rows of a report.
pub(super) fn rows(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

pub(super) fn count(value: &Value) -> String {
    grouped(number(value))
}

pub(super) fn size(value: &Value) -> String {
    bytes(number(value))
}

pub(super) fn money(value: &Value) -> String {
    crate::page::dollars(value.as_f64().unwrap_or_default())
}

/// A time span; a dash where it is not known.
pub(super) fn span(value: &Value) -> String {
    value.as_f64().map_or_else(|| "not known".to_owned(), duration)
}

/// How long the oldest waits; 0 is nothing.
pub(super) fn waits(seconds: f64) -> String {
    if seconds > 0.0 { duration(seconds) } else { "nothing waits".to_owned() }
}

/// A moment; empty where there is none.
pub(super) fn when(value: &Value) -> String {
    serde_json::from_value::<Timestamp>(value.clone()).map(moment).unwrap_or_default()
}

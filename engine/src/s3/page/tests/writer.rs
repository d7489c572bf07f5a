//! Writes pages as servers might: the same entries in ever different XML.

use super::super::ListKind;
use crate::model::{EntryKind, Page};
use proptest::prelude::*;
use std::fmt::Write as _;

/// What one entry holds, as text.
#[derive(Clone, Debug)]
pub(super) struct Want {
    pub(super) key: String,
    pub(super) version_id: String,
    pub(super) marker: bool,
    pub(super) latest: bool,
    pub(super) size: u64,
    pub(super) millis: i64,
    pub(super) etag: Option<String>,
    pub(super) class: &'static str,
    pub(super) algorithms: Vec<&'static str>,
}

/// Entries of a page in listing order.
pub(super) fn wants(kind: ListKind, key: &'static str) -> impl Strategy<Value = Vec<Want>> {
    let class = prop::sample::select(vec!["STANDARD", "STANDARD_IA", "DEEP_ARCHIVE", "SNOW"]);
    let algorithms = prop::sample::subsequence(vec!["CRC32", "CRC64NVME", "SHA1"], 0..=2);
    let etag = prop::option::of("[0-9a-f]{32}(-[1-9][0-9]{0,3})?|[a-zA-Z0-9&<']{1,20}");
    let millis = 0_i64..4_102_444_800_000;
    let rest = (any::<bool>(), any::<bool>(), 0_u64..i64::MAX as u64, millis, etag, class, algorithms);
    let want =
        (key, rest).prop_map(move |(key, (marker, latest, size, millis, etag, class, algorithms))| Want {
            key,
            version_id: String::new(),
            marker: marker && kind == ListKind::Versions,
            latest: latest || kind == ListKind::Objects,
            size,
            millis,
            etag,
            class,
            algorithms,
        });
    prop::collection::vec(want, 0..12).prop_map(move |mut wants| {
        wants.sort_by(|a, b| a.key.cmp(&b.key));
        if kind == ListKind::Objects {
            wants.dedup_by(|a, b| a.key == b.key);
        }
        for (n, want) in wants.iter_mut().enumerate() {
            want.version_id = if n % 5 == 4 { "null".into() } else { format!("v+{n}&") };
        }
        wants
    })
}

/// Does the page hold exactly these entries?
pub(super) fn assert_holds(page: &Page, wants: &[Want], kind: ListKind) {
    assert_eq!(page.len(), wants.len());
    for (entry, want) in page.iter().zip(wants) {
        let versions = kind == ListKind::Versions;
        assert_eq!(entry.key, want.key);
        assert_eq!(entry.version_id, versions.then_some(want.version_id.as_str()));
        assert_eq!(entry.row.kind == EntryKind::DeleteMarker, want.marker);
        assert_eq!(entry.row.is_latest, want.latest);
        assert_eq!(entry.row.last_modified.millis(), want.millis);
        if want.marker {
            assert_eq!((entry.row.size, &entry.row.etag), (0, &None));
            continue;
        }
        assert_eq!(entry.row.size, want.size);
        assert_eq!(entry.row.etag.as_ref().map(ToString::to_string), want.etag);
        assert_eq!(entry.row.storage_class.name(), want.class);
        assert_eq!(entry.row.algorithms.iter().map(|a| a.name()).collect::<Vec<_>>(), {
            let mut names = want.algorithms.clone();
            names.sort_by_key(|name| *name != "CRC64NVME");
            names
        });
    }
}

/// How keys are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    /// As S3: a space is `+`.
    UrlPlus,
    /// As Ceph: a space is `%20`.
    UrlPercent,
}

/// Renders pages; the same seed gives the same page.
pub(super) struct Writer {
    pub(super) xml: String,
    kind: ListKind,
    encoding: Encoding,
    /// 0: as S3 writes. Otherwise one choice in so many is an odd one.
    oddity: u64,
    /// May comments, CDATA and CR LF occur inside the text of a field?
    split_text: bool,
    dice: u64,
}

impl Writer {
    pub(super) fn new(kind: ListKind, encoding: Encoding, oddity: u64, seed: u64) -> Self {
        Self { xml: String::new(), kind, encoding, oddity, split_text: true, dice: seed }
    }

    /// The text of a field stays in one piece, as the SDK needs it: it drops what follows a comment or CDATA.
    pub(super) fn with_whole_text(mut self) -> Self {
        self.split_text = false;
        self
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.dice ^ (self.dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn odd(&mut self) -> bool {
        self.oddity > 0 && self.roll(self.oddity) == 0
    }

    /// The whole page.
    pub(super) fn page(mut self, wants: &[Want]) -> String {
        let root = if self.kind == ListKind::Objects { "ListBucketResult" } else { "ListVersionsResult" };
        if !self.odd() {
            self.xml.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        }
        let root = self.open(root);
        let encoding_last = self.odd();
        if !encoding_last {
            self.encoding_type();
        }
        self.field("Name", "bucket & co");
        self.field("IsTruncated", "false");
        if self.kind == ListKind::Objects {
            self.field("KeyCount", &wants.len().to_string());
        }
        for want in wants {
            self.entry(want);
        }
        if encoding_last {
            self.encoding_type();
        }
        let _ = write!(self.xml, "</{root}>");
        self.noise();
        self.xml
    }

    fn encoding_type(&mut self) {
        if self.encoding != Encoding::Plain {
            self.field("EncodingType", "url");
        }
    }

    fn entry(&mut self, want: &Want) {
        let time = jiff::Timestamp::from_millisecond(want.millis).unwrap();
        let mut fields =
            vec![("Key", encode(&want.key, self.encoding)), ("LastModified", format!("{time:.3}"))];
        if self.kind == ListKind::Versions {
            fields.push(("VersionId", want.version_id.clone()));
            fields.push(("IsLatest", want.latest.to_string()));
        }
        if !want.marker {
            fields.push(("Size", want.size.to_string()));
            fields.push(("StorageClass", want.class.into()));
            fields.extend(want.etag.iter().map(|etag| ("ETag", format!("\"{etag}\""))));
            fields.extend(want.algorithms.iter().map(|name| ("ChecksumAlgorithm", (*name).into())));
        }
        if self.odd() {
            let by = self.roll(fields.len() as u64) as usize;
            fields.rotate_left(by);
        }
        let tag = match (self.kind, want.marker) {
            (ListKind::Objects, _) => "Contents",
            (ListKind::Versions, false) => "Version",
            (ListKind::Versions, true) => "DeleteMarker",
        };
        let tag = self.open(tag);
        for (name, value) in fields {
            self.field(name, &value);
            if self.odd() {
                self.xml.push_str("<Owner><ID>x</ID><Key>no</Key><e/></Owner>");
            }
        }
        let _ = write!(self.xml, "</{tag}>");
        self.noise();
    }

    fn field(&mut self, name: &str, value: &str) {
        let name = self.open_field(name);
        self.text(value);
        let space = if self.odd() { "\n " } else { "" };
        let _ = write!(self.xml, "</{name}{space}>");
        self.noise();
    }

    /// An element that holds elements.
    fn open(&mut self, name: &str) -> String {
        let name = self.open_field(name);
        self.noise();
        name
    }

    fn open_field(&mut self, name: &str) -> String {
        let name = if self.odd() { format!("s3:{name}") } else { name.to_owned() };
        let attributes = if self.odd() { " a='>\"' xmlns:b=\"x&amp;'/\"\t" } else { "" };
        let _ = write!(self.xml, "<{name}{attributes}>");
        name
    }

    /// What may stand between elements.
    fn noise(&mut self) {
        if self.odd() {
            let noise = ["\n  ", "<!-- <Key> - > -->", "<?pi <Key> ?>", "\r\n\t", "<![CDATA[ ]]>"];
            // CDATA is not for outside the root.
            let sides = if self.xml.ends_with("Result>") { 4 } else { 5 };
            let which = self.roll(sides) as usize;
            self.xml.push_str(noise[which]);
        }
    }

    fn text(&mut self, value: &str) {
        for c in value.chars() {
            let sides = if self.split_text { 5 } else { 2 };
            let style = if self.odd() { self.roll(sides) } else { 9 };
            let _ = match (style, c) {
                (0, _) => write!(self.xml, "&#{};", c as u32),
                (1, _) => write!(self.xml, "&#x{:X};", c as u32),
                (2, c) if c != '\r' && c != '\0' => write!(self.xml, "<![CDATA[{c}]]>"),
                (3, _) => write!(self.xml, "<!----><?x?>&#{};", c as u32),
                (_, '&') => write!(self.xml, "&amp;"),
                (_, '<') => write!(self.xml, "&lt;"),
                (_, '"') => write!(self.xml, "&quot;"),
                (_, '\r' | '\0') => write!(self.xml, "&#x{:x};", c as u32),
                (4, '>') => write!(self.xml, ">"),
                (_, '>') => write!(self.xml, "&gt;"),
                (4, '\n') => write!(self.xml, "\r\n"),
                (_, c) => write!(self.xml, "{c}"),
            };
        }
    }
}

fn encode(key: &str, encoding: Encoding) -> String {
    if encoding == Encoding::Plain {
        return key.into();
    }
    let mut out = String::new();
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' | b'*' => {
                out.push(byte as char);
            }
            b' ' if encoding == Encoding::UrlPlus => out.push('+'),
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

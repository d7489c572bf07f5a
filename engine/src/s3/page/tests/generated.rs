//! Any page, however written and however cut, reads back exactly; any damage is noticed or harmless, never fatal.

use super::super::{ListKind, ListReader, PageError, read_page};
use super::writer::{Encoding, Writer, assert_holds, wants};
use crate::model::Page;
use proptest::prelude::*;

/// Keys with everything S3 allows, and what XML makes difficult.
const KEY: &str = "[a-c/ +%&<>'\"\\]\\r\\n\\x01\\x7fé한😀]{1,12}|\\PC{1,12}";

fn encodings() -> impl Strategy<Value = Encoding> {
    prop::sample::select(vec![Encoding::Plain, Encoding::UrlPlus, Encoding::UrlPercent])
}

fn read_in_chunks(kind: ListKind, body: &[u8], sizes: &[usize]) -> Result<Page, PageError> {
    let mut reader = ListReader::new(kind);
    let mut rest = body;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (chunk, after) = rest.split_at((*size).clamp(1, rest.len()));
        reader.push(chunk)?;
        rest = after;
    }
    reader.finish()
}

/// Everything about a result that chunking must not change.
fn essence(result: &Result<Page, PageError>) -> String {
    match result {
        Ok(page) => format!("{page:?}"),
        Err(PageError::Malformed { reason, .. }) => format!("malformed: {reason}"),
        Err(PageError::NotAListing { .. }) => "not a listing".into(),
        Err(error) => error.to_string(),
    }
}

fn round_trip(
    kind: ListKind,
) -> impl Strategy<Value = (Vec<super::writer::Want>, Encoding, u64, u64, Vec<usize>)> {
    let sizes = prop::collection::vec(prop_oneof![Just(1_usize), 1..40_usize, 200..2000_usize], 1..6);
    (wants(kind, KEY), encodings(), prop::sample::select(vec![0_u64, 2, 5, 30]), any::<u64>(), sizes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn objects_read_back((wants, encoding, oddity, seed, sizes) in round_trip(ListKind::Objects)) {
        let body = Writer::new(ListKind::Objects, encoding, oddity, seed).page(&wants);
        let page = read_page(ListKind::Objects, body.as_bytes());
        let cut = read_in_chunks(ListKind::Objects, body.as_bytes(), &sizes);
        prop_assert_eq!(essence(&cut), essence(&page));
        assert_holds(&page.unwrap(), &wants, ListKind::Objects);
    }

    #[test]
    fn versions_read_back((wants, encoding, oddity, seed, sizes) in round_trip(ListKind::Versions)) {
        let body = Writer::new(ListKind::Versions, encoding, oddity, seed).page(&wants);
        let page = read_page(ListKind::Versions, body.as_bytes());
        let cut = read_in_chunks(ListKind::Versions, body.as_bytes(), &sizes);
        prop_assert_eq!(essence(&cut), essence(&page));
        assert_holds(&page.unwrap(), &wants, ListKind::Versions);
    }

    /// One byte changed: an error, or a page with as many rows. Chunking changes nothing about the verdict.
    #[test]
    fn a_flipped_byte_never_loses_a_row(
        (wants, encoding, oddity, seed, sizes) in round_trip(ListKind::Objects),
        place in any::<prop::sample::Index>(),
        byte in prop_oneof![any::<u8>(), prop::sample::select(b"<>&;/!-?\"'= %+\r\0".to_vec())],
    ) {
        let mut body = Writer::new(ListKind::Objects, encoding, oddity, seed).page(&wants).into_bytes();
        let place = place.index(body.len());
        body[place] = byte;
        let page = read_page(ListKind::Objects, &body);
        let cut = read_in_chunks(ListKind::Objects, &body, &sizes);
        prop_assert_eq!(essence(&cut), essence(&page));
        if let Ok(page) = page {
            prop_assert_eq!(page.len(), wants.len());
        }
    }

    /// A page cut off anywhere inside its root is an error.
    #[test]
    fn a_truncated_page_is_never_a_page(
        (wants, encoding, oddity, seed, sizes) in round_trip(ListKind::Versions),
        place in any::<prop::sample::Index>(),
    ) {
        let body = Writer::new(ListKind::Versions, encoding, oddity, seed).page(&wants);
        let root_end = body.rfind("</").unwrap_or(0);
        let end = place.index(root_end);
        prop_assert!(read_in_chunks(ListKind::Versions, &body.as_bytes()[..end], &sizes).is_err());
    }

    /// Bytes of no sense, and bytes of some: no panic, and the same verdict however cut.
    #[test]
    fn garbage(
        pieces in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..6),
                prop::sample::select(PIECES.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
            ],
            0..30,
        ),
        rooted in any::<bool>(),
        sizes in prop::collection::vec(1..20_usize, 1..4),
    ) {
        let mut body = if rooted { b"<ListVersionsResult>".to_vec() } else { Vec::new() };
        body.extend(pieces.concat());
        let page = read_page(ListKind::Versions, &body);
        prop_assert_eq!(essence(&read_in_chunks(ListKind::Versions, &body, &sizes)), essence(&page));
    }
}

const PIECES: &[&str] = &[
    "<ListVersionsResult>",
    "</ListVersionsResult>",
    "<Version>",
    "</Version>",
    "<Key>a</Key>",
    "<Key>",
    "</Key>",
    "<Size>1</Size>",
    "<IsTruncated>false</IsTruncated>",
    "<CommonPrefixes><Prefix>",
    "<RestoreStatus>",
    "<Error><Code>",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?xml",
    "?>",
    "&#x41;",
    "&",
    ";",
    "<a b='",
    "'/>",
    "\u{feff}",
    "<!DOCTYPE ",
    "%",
];

//! The rules of the reader, one by one; generated pages, the corpus and the SDK as a second opinion beside them.

mod corpus;
mod generated;
mod sdk;
mod writer;

use super::*;
use crate::model::{ChecksumAlgorithm, ChecksumType, ETag, EntryKind, Restore, StorageClass, Timestamp};

const TIME: &str = "<LastModified>2026-11-20T12:34:56.000Z</LastModified>";

/// A page of objects around some XML.
fn objects(inside: &str) -> Result<Page, PageError> {
    let body = format!("<ListBucketResult>{inside}<IsTruncated>false</IsTruncated></ListBucketResult>");
    read_page(ListKind::Objects, body.as_bytes())
}

/// An object with some more XML.
fn object(key: &str, more: &str) -> String {
    format!("<Contents><Key>{key}</Key>{TIME}<Size>1</Size>{more}</Contents>")
}

fn versions(inside: &str) -> Result<Page, PageError> {
    let body = format!("<ListVersionsResult>{inside}<IsTruncated>false</IsTruncated></ListVersionsResult>");
    read_page(ListKind::Versions, body.as_bytes())
}

fn version(tag: &str, key: &str, id: &str, more: &str) -> String {
    format!("<{tag}><Key>{key}</Key><VersionId>{id}</VersionId><IsLatest>true</IsLatest>{TIME}{more}</{tag}>")
}

fn keys(page: &Page) -> Vec<&str> {
    page.iter().map(|entry| entry.key).collect()
}

fn malformed(result: Result<Page, PageError>, about: &str) {
    match result {
        Err(PageError::Malformed { reason, .. }) => assert!(reason.contains(about), "{reason}: {about}"),
        other => panic!("expected a complaint about {about}, got {other:?}"),
    }
}

#[test]
fn an_object_with_everything() {
    let page = objects(
        "<Name>b</Name><Prefix/><KeyCount>2</KeyCount><Contents><Key>a &amp; b</Key>\
         <LastModified>2026-11-20T12:34:56.789Z</LastModified>\
         <ETag>&quot;b2add96cc9702bbf4efb0ccdfc6b7747-3&quot;</ETag>\
         <ChecksumAlgorithm>CRC32C</ChecksumAlgorithm><ChecksumAlgorithm>SHA256</ChecksumAlgorithm>\
         <ChecksumAlgorithm>NEW</ChecksumAlgorithm><ChecksumType>COMPOSITE</ChecksumType><Size>42</Size>\
         <Owner><ID>x</ID><DisplayName>y &lt;z></DisplayName></Owner><StorageClass>GLACIER</StorageClass>\
         <RestoreStatus><IsRestoreInProgress>false</IsRestoreInProgress>\
         <RestoreExpiryDate>2026-12-01T00:00:00Z</RestoreExpiryDate></RestoreStatus></Contents>\
         <CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>",
    )
    .unwrap();
    let entry = page.get(0).unwrap();
    assert_eq!((entry.key, entry.version_id, entry.row.size), ("a & b", None, 42));
    assert_eq!(entry.row.etag, Some(ETag::parse("b2add96cc9702bbf4efb0ccdfc6b7747-3")));
    assert_eq!(entry.row.last_modified, Timestamp::from_millis(1_795_178_096_789));
    assert_eq!(entry.row.storage_class, StorageClass::Glacier);
    assert_eq!(entry.row.checksum_type, Some(ChecksumType::Composite));
    let algorithms: Vec<_> = entry.row.algorithms.iter().collect();
    assert_eq!(algorithms, [ChecksumAlgorithm::Crc32c, ChecksumAlgorithm::Sha256]);
    assert_eq!(entry.row.restore, Some(Restore::Until(Timestamp::from_seconds(1_796_083_200))));
    assert!(entry.row.is_latest && entry.row.kind == EntryKind::Object);
    assert_eq!(page.common_prefixes, [Box::<str>::from("p/")]);
    assert_eq!((page.len(), page.truncated), (1, false));
}

#[test]
fn versions_and_markers_keep_their_order() {
    let inside = [
        version("Version", "a", "v2", "<Size>1</Size>"),
        version("DeleteMarker", "a", "m1", ""),
        version("Version", "a", "null", "<Size>2</Size>").replace("true", "false"),
        version("DeleteMarker", "b", "m2", "<Size>oops</Size>"),
    ];
    let page = versions(&inside.concat()).unwrap();
    let rows: Vec<_> =
        page.iter().map(|e| (e.key, e.version_id.unwrap(), e.row.kind, e.row.is_latest)).collect();
    assert_eq!(
        rows,
        [
            ("a", "v2", EntryKind::Object, true),
            ("a", "m1", EntryKind::DeleteMarker, true),
            ("a", "null", EntryKind::Object, false),
            ("b", "m2", EntryKind::DeleteMarker, true),
        ]
    );
    assert_eq!(page.get(1).unwrap().row.etag, None);
}

#[test]
fn the_root_decides() {
    for body in [
        "<?xml version=\"1.0\" encoding='UTF-8'?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <IsTruncated>false</IsTruncated></ListBucketResult>\n<!-- x --> <?p?>\n",
        "\u{feff}<s3:ListBucketResult xmlns:s3='x' a='>'><s3:IsTruncated b=\"/>\">false</s3:IsTruncated\n></s3:ListBucketResult >",
        "<!-- <Key> --><ListBucketResult><IsTruncated> false\n</IsTruncated></ListBucketResult>",
    ] {
        assert!(read_page(ListKind::Objects, body.as_bytes()).unwrap().is_empty());
        assert!(matches!(read_page(ListKind::Versions, body.as_bytes()), Err(PageError::NotAListing { .. })));
    }
    for body in [
        "<html><body>gateway</body></html>",
        "<!DOCTYPE html>\n<html>",
        "<!doctype HTML PUBLIC \"x\">",
        "<html lang=en>",
        "<ListAllMyBucketsResult/>",
        "{\"error\": 1}",
        "upstream timed out",
        "<<ListBucketResult>",
        "x<ListBucketResult>",
        "\u{1f}\u{8b}<",
    ] {
        let error = read_page(ListKind::Objects, body.as_bytes()).unwrap_err();
        assert!(matches!(error, PageError::NotAListing { .. }), "{body}: {error}");
        assert_eq!(error.retry_hint(), RetryHint::Few);
    }
}

#[test]
fn doctypes_and_foreign_encodings_are_refused() {
    let page = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    let with = |head: &str| read_page(ListKind::Objects, format!("{head}{page}").as_bytes());
    malformed(with("<!DOCTYPE ListBucketResult [<!ENTITY a \"b\">]>"), "document type");
    malformed(with("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>"), "encoding");
    malformed(with(" <?xml version=\"1.0\"?>"), "declaration");
    malformed(with("<![CDATA[ ]]>"), "CDATA");
    assert!(with("<?xml version='1.0'?>").is_ok());
    assert!(with("<?xml version='1.0' encoding = 'utf-8' ?>").is_ok());
}

#[test]
fn an_error_document_under_200() {
    let body = "<?xml version=\"1.0\"?><Error><Code>SlowDown</Code><Message>Please &lt;wait&gt;</Message>\
                <RequestId>1</RequestId></Error>";
    let error = read_page(ListKind::Versions, body.as_bytes()).unwrap_err();
    assert_eq!(error, PageError::ErrorDocument { code: "SlowDown".into(), message: "Please <wait>".into() });
    assert_eq!(error.retry_hint(), RetryHint::Usual);
    let error =
        read_page(ListKind::Objects, body.replace("SlowDown", "AccessDenied").as_bytes()).unwrap_err();
    assert!(!error.is_retryable());
}

#[test]
fn every_truncation_is_an_error() {
    let body = format!(
        "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>false</IsTruncated>{}</ListBucketResult>",
        object("a&amp;b", "<ETag>&quot;x&quot;</ETag>")
    );
    for end in 0..body.len() {
        let error = read_page(ListKind::Objects, &body.as_bytes()[..end]).unwrap_err();
        assert_eq!(error, PageError::Truncated { bytes: end as u64 });
    }
    assert!(read_page(ListKind::Objects, body.as_bytes()).is_ok());
}

#[test]
fn malformed_documents() {
    malformed(objects("<Contents></Content>"), "end tag of another element than <Contents>");
    malformed(objects("</Contents>"), "end tag of another");
    malformed(objects(&object("a & b", "")), "entity");
    malformed(objects(&object("a&nbsp;b", "")), "entity");
    malformed(objects(&object("a<b", "")), "stray");
    malformed(objects(&object("a<b>c</b>", "")), "inside <Key>");
    malformed(objects("text"), "text between");
    malformed(objects("<Contents>&amp;</Contents>"), "text between");
    malformed(objects("<Contents a=1/>"), "quotes");
    malformed(objects("<Unknown>&bad;</Unknown>"), "entity");
    malformed(objects("<Version/>"), "no place");
    malformed(versions("<Contents/>"), "no place");
    malformed(objects("<Contents><Contents/></Contents>"), "no place");
    let page = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    let after = |tail: &str| read_page(ListKind::Objects, format!("{page}{tail}").as_bytes());
    malformed(after("x"), "after the end");
    malformed(after("x<a>"), "text between");
    malformed(after("<a/>"), "second root");
    malformed(after("</a>"), "without a start");
    assert!(matches!(after("<a"), Err(PageError::Malformed { .. })));
    assert!(after(" \r\n<!-- x -->\n").is_ok());
    let mut bytes = object("aXb", "").into_bytes();
    bytes.iter_mut().filter(|b| **b == b'X').for_each(|b| *b = 0xff);
    let body = [&b"<ListBucketResult>"[..], &bytes].concat();
    match read_page(ListKind::Objects, &body).unwrap_err() {
        PageError::Malformed { offset, reason, .. } => assert_eq!((offset, &*reason), (34, "not UTF-8")),
        other => panic!("{other}"),
    }
}

#[test]
fn errors_name_the_byte_and_show_it_on_one_line() {
    let error = read_page(ListKind::Objects, b"<ListBucketResult>\n<Size/>\n<Contents>\n\x01</Contents>")
        .unwrap_err();
    assert_eq!(error.to_string(), "byte 38 of the list page: text between elements (at `\\u{1}</Contents>`)");
    assert_eq!(error.retry_hint(), RetryHint::Usual);
}

#[test]
fn fields_that_are_missing_twice_or_unreadable() {
    malformed(objects(&format!("<Contents>{TIME}<Size>1</Size></Contents>")), "without a <Key>");
    malformed(objects(&object("", "")), "without a <Key>");
    malformed(objects(&object("a", "").replace("<Size>1</Size>", "")), "no <Size> in the entry of key `a`");
    malformed(objects(&object("a", "").replace(TIME, "")), "no <LastModified>");
    let good = version("Version", "a", "v", "<Size>1</Size>");
    assert!(versions(&good).is_ok());
    malformed(versions(&good.replace("<VersionId>v</VersionId>", "")), "no <VersionId>");
    malformed(versions(&good.replace("<VersionId>v</VersionId>", "<VersionId/>")), "no <VersionId>");
    malformed(versions(&good.replace("<IsLatest>true</IsLatest>", "")), "no <IsLatest>");
    malformed(objects(&object("a", "<Key>b</Key>")), "<Key> twice");
    malformed(objects(&object("a", "<Size>1</Size>")), "<Size> twice");
    malformed(objects(&object("a", "<ETag>1</ETag><ETag>1</ETag>")), "<ETag> twice");
    malformed(objects("<IsTruncated>false</IsTruncated>"), "twice in one page");
    malformed(objects(&object("a", "").replace(">1<", ">-1<")), "<Size> with a value");
    malformed(objects(&object("a", "").replace("T12", "T25")), "<LastModified> with a value");
    malformed(objects("<EncodingType>rot13</EncodingType>"), "<EncodingType> with a value");
    malformed(versions(&good.replace(">true<", ">yes<")), "<IsLatest> with a value");
    let page =
        objects(&object("a", "<ETag/><ChecksumType>NEW</ChecksumType><StorageClass>OWN</StorageClass>"))
            .unwrap();
    let row = page.get(0).unwrap().row;
    assert_eq!((&row.etag, row.checksum_type), (&None, None));
    assert_eq!(row.storage_class, StorageClass::Other("OWN".into()));
}

#[test]
fn order_of_elements_cdata_comments_and_unknown_elements_do_not_matter() {
    let page = objects(&format!(
        "\n <Contents>\n<New><Key>not this</Key><Deep><Size>9</Size></Deep></New><Size>\n7 </Size><!-- c -->{TIME}\
         <Key>a<![CDATA[<&amp;\r\n]]>b<!-- no -->c\r\n</Key><ETag>\"<?p?>&quot;</ETag></Contents>\n"
    ))
    .unwrap();
    let entry = page.get(0).unwrap();
    assert_eq!((entry.key, entry.row.size, &entry.row.etag), ("a<&amp;\nbc\n", 7, &None));
}

#[test]
fn keys_that_xml_does_not_allow() {
    let page = objects(&(object("&#x1;a&#10;&#13;", "") + &object(" b ]]> ", ""))).unwrap();
    assert_eq!(keys(&page), ["\u{1}a\n\r", " b ]]> "]);
    malformed(objects(&object("&#xd800;", "")), "surrogate");
    malformed(objects(&object("a\0", "")), "NUL");
}

#[test]
fn percent_encoding_counts_only_if_the_response_says_so() {
    let url = "<EncodingType>url</EncodingType>";
    // Encoded, the second key sorts below the first.
    let inside = object("a%21b", "")
        + &object("a%2B+c", "")
        + "<CommonPrefixes><Prefix>p+q/</Prefix></CommonPrefixes>";
    assert_eq!(keys(&objects(&inside).unwrap()), ["a%21b", "a%2B+c"]);
    for page in [format!("{url}{inside}"), format!("{inside}{url}")] {
        let page = objects(&page).unwrap();
        assert_eq!(keys(&page), ["a!b", "a+ c"]);
        assert_eq!(page.common_prefixes, [Box::<str>::from("p q/")]);
    }
    malformed(objects(&format!("{url}{}", object("a%2", ""))), "hexadecimal digits, in `a%2`");
    malformed(objects(&format!("{}{url}", object("a%ff", ""))), "not UTF-8, in `a%ff`");
    let body = format!(
        "<ListVersionsResult><NextKeyMarker>a%20b</NextKeyMarker>{url}<IsTruncated>true</IsTruncated>\
         <NextVersionIdMarker>a%20+b</NextVersionIdMarker></ListVersionsResult>"
    );
    let page = read_page(ListKind::Versions, body.as_bytes()).unwrap();
    assert_eq!(page.next_key_marker.as_deref(), Some("a b"));
    assert_eq!(page.next_version_id_marker.as_deref(), Some("a%20+b"));
}

#[test]
fn a_server_that_leaves_the_plus_alone_is_found_out() {
    let body = format!(
        "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>{}{}</ListBucketResult>",
        object("a%20b", ""),
        object("a+b", "")
    );
    malformed(read_page(ListKind::Objects, body.as_bytes()), "leaves `+` unencoded");
    let mut reader = ListReader::with_literal_plus(ListKind::Objects);
    reader.push(body.as_bytes()).unwrap();
    assert_eq!(keys(&reader.finish().unwrap()), ["a b", "a+b"]);
}

#[test]
fn order() {
    let out_of_order =
        |result: Result<Page, PageError>| matches!(result, Err(PageError::OutOfOrder { row: 1, .. }));
    assert!(out_of_order(objects(&(object("b", "") + &object("a", "")))));
    assert!(out_of_order(objects(&(object("a", "") + &object("a", "")))));
    // Bytes, not UTF-16: U+FF5E is below U+1F600.
    assert!(objects(&(object("\u{ff5e}", "") + &object("\u{1f600}", ""))).is_ok());
    let v = |key: &str, id: &str| version("Version", key, id, "<Size>1</Size>");
    assert!(versions(&(v("a", "1") + &v("a", "2") + &v("b", "2"))).is_ok());
    assert!(out_of_order(versions(&(v("a", "1") + &v("a", "1")))));
    assert!(out_of_order(versions(&(v("b", "1") + &v("a", "2")))));
}

#[test]
fn what_follows() {
    let page = |kind, inside: &str| {
        let root = if kind == ListKind::Objects { "ListBucketResult" } else { "ListVersionsResult" };
        read_page(kind, format!("<{root}>{inside}</{root}>").as_bytes())
    };
    let more = "<IsTruncated>true</IsTruncated>";
    malformed(page(ListKind::Objects, ""), "no <IsTruncated>");
    malformed(page(ListKind::Objects, "<IsTruncated/>"), "<IsTruncated> with a value");
    assert_eq!(page(ListKind::Objects, more).unwrap_err(), PageError::NoProgress);
    let token =
        page(ListKind::Objects, &format!("{more}<NextContinuationToken>t%20</NextContinuationToken>"))
            .unwrap();
    assert_eq!((token.truncated, token.next_continuation_token.as_deref()), (true, Some("t%20")));
    assert!(page(ListKind::Objects, &format!("{more}{}", object("a", ""))).unwrap().truncated);
    let marker = page(ListKind::Objects, &format!("{more}<NextMarker>m</NextMarker>")).unwrap();
    assert_eq!(marker.next_key_marker.as_deref(), Some("m"));
    malformed(page(ListKind::Versions, more), "no <NextKeyMarker>");
    malformed(page(ListKind::Versions, &format!("{more}<NextKeyMarker/>")), "no <NextKeyMarker>");
}

#[test]
fn key_count() {
    let prefix = "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>";
    let with = |count: &str| objects(&format!("<KeyCount>{count}</KeyCount>{}{prefix}", object("a", "")));
    assert!(with("2").is_ok() && with("1").is_ok());
    malformed(with("3"), "<KeyCount> says 3, but there are 1 keys and 1 common prefixes");
    malformed(with("0"), "<KeyCount>");
    malformed(with("x"), "<KeyCount> with a value");
}

#[test]
fn bounds() {
    let too_large = |result: Result<Page, PageError>, about: &str| match result {
        Err(PageError::TooLarge { what, .. }) => assert!(what.contains(about), "{what}"),
        other => panic!("{about}: {:?}", other.map(|page| page.len())),
    };
    too_large(objects(&object(&"x".repeat(MAX_TOKEN + 1), "")), "text");
    too_large(objects(&object(&"x<!---->".repeat(MAX_TOKEN + 1), "")), "text");
    malformed(objects(&object(&"x".repeat(MAX_TOKEN), "")), "longer than a listing may carry");
    too_large(objects(&"<a>".repeat(MAX_DEPTH)), "nesting");
    too_large(objects(&"<CommonPrefixes><Prefix/></CommonPrefixes>".repeat(MAX_ENTRIES + 1)), "entries");
    let mut reader = ListReader::new(ListKind::Objects);
    reader.push(b"<ListBucketResult>").unwrap();
    let blank = vec![b' '; MAX_TOKEN - 1].into_iter().chain(*b"<!---->").collect::<Vec<_>>();
    let error = (0..2000).find_map(|_| reader.push(&blank).err()).unwrap();
    assert!(matches!(error, PageError::TooLarge { what: "the body", .. }));
    assert_eq!(reader.push(b"</ListBucketResult>"), Err(error.clone()));
    assert_eq!(reader.finish().unwrap_err(), error);
}

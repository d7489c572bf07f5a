//! Bytes that arrive broken or damaged, and what proves a copy.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_broken_body_is_gone_on_with() {
    for (parts, breaks) in [(&[][..], 3), (&[40, 3], 3)] {
        let stage = Stage::two_services();
        for n in 0..breaks {
            stage.from.script(Get, Fault::Break(10 - n));
        }
        let outcome = stage.copy(&stage.source("k", BODY, parts)).await;
        assert_eq!(proof(&outcome), Evidence::Etag);
        assert_eq!(stage.target("k").body, BODY);
    }
    let stage = Stage::two_services();
    for _ in 0..9 {
        stage.from.script(Get, Fault::Break(0));
    }
    assert_eq!(reason(&stage.copy(&stage.source("k", BODY, &[])).await), "server-error");
}

#[tokio::test]
async fn a_byte_flipped_on_the_way_is_read_again() {
    for parts in [&[][..], &[40, 3]] {
        let stage = Stage::two_services();
        stage.from.script(Get, Fault::Flip);
        let outcome = stage.copy(&stage.source("k", BODY, parts)).await;
        assert_eq!(proof(&outcome), Evidence::Etag);
        assert_eq!(stage.target("k").body, BODY);
        assert!(outcome.notes.is_empty());
        assert_eq!(stage.writes("k"), 1);
    }
}

/// The digits of an ETag that is no digest.
fn odd(parts: &[u64]) -> &'static str {
    if parts.is_empty() { "0123456789abcdef0123456789abcdef" } else { "0123456789abcdef0123456789abcdef-2" }
}

async fn copy_odd(stage: &Stage, key: &str, parts: &[u64]) -> CopyOutcome {
    let mut stored = stage.from.put_there("src", &format!("in/{key}"), BODY, parts);
    stored.etag = Some(ETag::parse(odd(parts)));
    stage.from.set_etag("src", &format!("in/{key}"), odd(parts));
    stage.copy(&task(key, &stored)).await
}

#[tokio::test]
async fn etags_that_are_never_digests_are_found_out() {
    for parts in [&[][..], &[40, 3]] {
        let stage = Stage::two_services();
        for number in 0..10 {
            let outcome = copy_odd(&stage, &format!("k{number}"), parts).await;
            assert!(outcome.result.is_ok(), "{outcome:?}");
            // Eight make a rule; from then on nothing is read thrice.
            let noted = if number < 8 { &[Note::SourceEtagNotADigest][..] } else { &[] };
            assert_eq!(outcome.notes, noted, "{number}");
        }
    }
}

/// Whatever is read there, and however often: one ETag that was a digest makes the next that does not fit damage.
#[tokio::test]
async fn bytes_that_contradict_an_etag_are_not_copied() {
    for parts in [&[][..], &[40, 3]] {
        let stage = Stage::two_services();
        assert!(stage.copy(&stage.source("good", BODY, parts)).await.result.is_ok());
        let outcome = copy_odd(&stage, "rotten", parts).await;
        assert_eq!(outcome.result.unwrap_err().reason(), "corrupt-transfer");
        assert_eq!(stage.writes("rotten"), 0);
    }
}

#[tokio::test]
async fn different_encryption_is_proved_by_checksum() {
    let stage = Stage::one_service();
    let task = stage.source("k", BODY, &[]);
    stage.to.traits.lock().unwrap().kms = true;
    assert_eq!(proof(&stage.copy(&task).await), Evidence::Checksum);
    assert_eq!(stage.to.log(), [Copy, Head]);
}

#[tokio::test]
async fn what_nothing_shows_is_a_failure_unless_the_source_is_read() {
    for read in [false, true] {
        let stage = Stage::one_service().with(|options| options.read_to_prove = read);
        stage.to.traits.lock().unwrap().checksums = false;
        let task = stage.source("k", BODY, &[]);
        {
            let mut traits = stage.to.traits.lock().unwrap();
            traits.checksums = true;
            traits.kms = true;
        }
        let outcome = stage.copy(&task).await;
        if read {
            assert_eq!((proof(&outcome), outcome.traffic.hashed), (Evidence::Bytes, 43));
        } else {
            assert_eq!(reason(&outcome), "unproven-copy");
        }
    }
}

#[tokio::test]
async fn a_kms_source_in_parts_is_copied_whole() {
    let stage = Stage::one_service();
    stage.to.traits.lock().unwrap().kms = true;
    stage.from.put_there("src", "in/k", BODY, &[40, 3]);
    stage.from.set_etag("src", "in/k", "0123456789abcdef0123456789abcdef-2");
    let stored = stage.from.current("src", "in/k").unwrap();
    let outcome = stage.copy(&task("k", &stored)).await;
    assert_eq!((proof(&outcome), outcome.way), (Evidence::Checksum, Some(Way::Copy)));
}

//! The copy engine against a scripted store: decisions, guards, doubtful ends, fallbacks, proof.

use super::double::{Double, Fault, Stored, crc64};
use super::*;
use crate::compare::Evidence;
use crate::model::{ETag, StorageClass, Timestamp};
use crate::s3::{Kind, Metadata, Operation, UploadId, WriteAttributes};
use crate::verify::pool::CpuPool;
use Operation::{
    AbortMultipartUpload as Abort, CompleteMultipartUpload as Complete, CopyObject as Copy,
    CreateMultipartUpload as Create, DeleteObjects as Delete, GetObject as Get,
    GetObjectAttributes as Attributes, GetObjectTagging as Tags, HeadObject as Head, PutObject as Put,
    UploadPart as Part, UploadPartCopy as CopyPart,
};

const BODY: &[u8] = b"the quick brown fox jumps over the lazy dog";

#[derive(Default)]
struct Log(Mutex<(Vec<UploadId>, Vec<UploadId>)>);

impl UploadLog for Log {
    fn begun(&self, upload: &UploadId) {
        self.0.lock().unwrap().0.push(upload.clone());
    }
    fn ended(&self, upload: &UploadId) {
        self.0.lock().unwrap().1.push(upload.clone());
    }
}

/// Two sides, one store each (or one for both), and a copier between them.
struct Stage {
    from: Arc<Double>,
    to: Arc<Double>,
    options: CopyOptions,
    log: Arc<Log>,
    cancel: CancellationToken,
    copier: Mutex<Option<Copier>>,
}

impl Stage {
    fn one_service() -> Self {
        let store = Double::new("here");
        Self::of(Arc::clone(&store), store)
    }

    fn two_services() -> Self {
        Self::of(Double::new("here"), Double::new("there"))
    }

    fn of(from: Arc<Double>, to: Arc<Double>) -> Self {
        let options =
            CopyOptions { relay_part: 10, server_part: 10, single_put: 100, ..CopyOptions::default() };
        let cancel = CancellationToken::new();
        Self { from, to, options, log: Arc::default(), cancel, copier: Mutex::default() }
    }

    fn with(mut self, change: impl FnOnce(&mut CopyOptions)) -> Self {
        change(&mut self.options);
        self
    }

    fn copier(&self) -> Copier {
        let mut copier = self.copier.lock().unwrap();
        let make = || {
            let uploads = Arc::clone(&self.log) as Arc<dyn UploadLog>;
            let tools = CopyTools { uploads, cancel: self.cancel.clone(), ..tools() };
            let (source, replica) = (self.from.side("s3://src/in/"), self.to.side("s3://dst/out/"));
            Copier::new(source, replica, self.options.clone(), tools)
        };
        copier.get_or_insert_with(make).clone()
    }

    fn source(&self, key: &str, body: &[u8], parts: &[u64]) -> CopyTask {
        let stored = self.from.put_there("src", &format!("in/{key}"), body, parts);
        task(key, &stored)
    }

    async fn copy(&self, task: &CopyTask) -> CopyOutcome {
        self.copier().copy(task).await
    }

    fn target(&self, key: &str) -> Stored {
        self.to.current("dst", &format!("out/{key}")).unwrap()
    }

    fn writes(&self, key: &str) -> usize {
        self.to.versions("dst", &format!("out/{key}")).len()
    }
}

fn tools() -> CopyTools {
    CopyTools {
        digests: DigestService::new(CpuPool::inline()),
        memory: MemoryTickets::new(1 << 20),
        bandwidth: Arc::new(Bandwidth::new(None)),
        uploads: Arc::new(NoUploadLog),
        cancel: CancellationToken::new(),
    }
}

fn task(key: &str, stored: &Stored) -> CopyTask {
    CopyTask {
        key: key.into(),
        source: Seen { size: stored.body.len() as u64, etag: stored.etag.clone(), ..Seen::default() },
        standing: Standing::Absent,
        ..CopyTask::default()
    }
}

fn present(stored: &Stored) -> Standing {
    let etag = stored.etag.clone().unwrap();
    Standing::Present { etag, last_modified: Timestamp::from_seconds(stored.at) }
}

fn proof(outcome: &CopyOutcome) -> Evidence {
    outcome.result.as_ref().unwrap().proof
}

fn reason(outcome: &CopyOutcome) -> &'static str {
    outcome.result.as_ref().unwrap_err().reason()
}

// ---- ways and their cost

#[tokio::test]
async fn a_plain_object_costs_one_request() {
    let stage = Stage::one_service();
    let outcome = stage.copy(&stage.source("k", BODY, &[])).await;
    assert_eq!((proof(&outcome), outcome.way), (Evidence::Etag, Some(Way::Copy)));
    assert_eq!(stage.to.log(), [Copy]);
    assert_eq!(outcome.traffic, Traffic { server_side: 43, ..Traffic::default() });
    assert!(outcome.notes.is_empty());
    assert!(outcome.result.unwrap().version_id.is_some());
}

#[tokio::test]
async fn a_multipart_source_keeps_its_layout() {
    let stage = Stage::one_service();
    let source = stage.source("k", BODY, &[20, 20, 3]);
    let outcome = stage.copy(&source).await;
    assert_eq!((proof(&outcome), outcome.way), (Evidence::Etag, Some(Way::CopyParts)));
    assert_eq!(outcome.result.unwrap().etag, source.source.etag);
    // The whole and part 1 at once, the last part, tags; then the upload.
    assert_eq!(stage.to.log(), [Head, Head, Head, Tags, Create, CopyPart, CopyPart, CopyPart, Complete]);
    let log = stage.log.0.lock().unwrap();
    assert_eq!((log.0.len(), &log.0), (1, &log.1));
}

#[tokio::test]
async fn odd_layouts_are_learnt_from_attributes_or_part_by_part() {
    for attributes in [true, false] {
        let stage = Stage::one_service();
        stage.to.traits.lock().unwrap().attributes = attributes;
        let source = stage.source("k", BODY, &[10, 20, 13]);
        let outcome = stage.copy(&source).await;
        assert_eq!(proof(&outcome), Evidence::Etag);
        assert_eq!(stage.target("k").parts, [10, 20, 13]);
        let heads = stage.to.log().iter().filter(|operation| **operation == Head).count();
        assert_eq!(heads, if attributes { 2 } else { 5 });
    }
}

#[tokio::test]
async fn an_even_looking_layout_is_confirmed_by_its_last_part() {
    let stage = Stage::one_service();
    let source = stage.source("k", BODY, &[15, 10, 18]);
    assert_eq!(proof(&stage.copy(&source).await), Evidence::Etag);
    assert_eq!(stage.to.log()[..4], [Head, Head, Head, Attributes]);
}

#[tokio::test]
async fn an_unknown_layout_is_copied_whole_and_said() {
    let stage = Stage::one_service();
    {
        let mut traits = stage.to.traits.lock().unwrap();
        traits.attributes = false;
        traits.part_numbers = false;
    }
    let outcome = stage.copy(&stage.source("k", BODY, &[20, 20, 3])).await;
    assert_eq!((proof(&outcome), outcome.way), (Evidence::Checksum, Some(Way::Copy)));
    assert_eq!(outcome.notes, [Note::PartLayoutLost]);
}

#[tokio::test]
async fn one_part_and_no_bytes_keep_their_etags() {
    for body in [BODY, b""] {
        for stage in [Stage::one_service(), Stage::two_services()] {
            let source = stage.source("k", body, &[body.len() as u64]);
            let outcome = stage.copy(&source).await;
            assert_eq!(outcome.result.unwrap().etag, source.source.etag);
        }
    }
    for stage in [Stage::one_service(), Stage::two_services()] {
        assert_eq!(proof(&stage.copy(&stage.source("k", b"", &[])).await), Evidence::Etag);
    }
}

#[tokio::test]
async fn over_the_copy_limit_goes_in_parts_and_is_proved_by_checksum() {
    let stage = Stage::one_service().with(|options| options.limits.copy = 42);
    let outcome = stage.copy(&stage.source("k", BODY, &[])).await;
    assert_eq!((proof(&outcome), outcome.way), (Evidence::Checksum, Some(Way::CopyParts)));
    assert_eq!(stage.target("k").parts, [10, 10, 10, 10, 3]);
}

#[tokio::test]
async fn a_small_relay_is_get_and_put() {
    let stage = Stage::two_services();
    let outcome = stage.copy(&stage.source("k", BODY, &[])).await;
    assert_eq!((proof(&outcome), outcome.way), (Evidence::Etag, Some(Way::Put)));
    assert_eq!((stage.from.log(), stage.to.log()), (vec![Get], vec![Put]));
    assert_eq!(outcome.traffic, Traffic { server_side: 0, streamed: 43, hashed: 43 });
}

#[tokio::test]
async fn a_large_relay_goes_in_the_layout_of_its_source() {
    let stage = Stage::two_services();
    let source = stage.source("k", BODY, &[7, 30, 6]);
    let outcome = stage.copy(&source).await;
    assert_eq!((proof(&outcome), outcome.way), (Evidence::Etag, Some(Way::PutParts)));
    assert_eq!(stage.target("k").parts, [7, 30, 6]);
    assert_eq!(outcome.traffic.streamed, 43);
}

#[tokio::test]
async fn a_plain_large_relay_is_proved_by_checksum() {
    let stage = Stage::two_services().with(|options| options.single_put = 20);
    let outcome = stage.copy(&stage.source("k", BODY, &[])).await;
    assert_eq!((proof(&outcome), outcome.way), (Evidence::Checksum, Some(Way::PutParts)));
    assert_eq!(stage.target("k").checksums, [crc64(BODY)]);
    assert_eq!(stage.target("k").body, BODY);
}

#[tokio::test]
async fn without_a_checksum_at_the_source_the_hashed_bytes_prove_a_relay() {
    let stage = Stage::two_services().with(|options| options.single_put = 20);
    stage.from.traits.lock().unwrap().checksums = false;
    assert_eq!(proof(&stage.copy(&stage.source("k", BODY, &[])).await), Evidence::Bytes);
}

// ---- what travels

#[tokio::test]
async fn everything_travels_whatever_the_way() {
    let metadata = Metadata {
        content_type: Some("text/x-fox".into()),
        user: [("colour".to_owned(), "brown".to_owned())].into(),
        ..Metadata::default()
    };
    let write = WriteAttributes {
        metadata: Some(metadata.clone()),
        tags: Some(vec![("a".into(), "b".into())]),
        storage_class: Some(StorageClass::StandardIa),
        ..WriteAttributes::default()
    };
    for (relay, parts) in [(false, &[][..]), (false, &[40, 3]), (true, &[]), (true, &[40, 3])] {
        let stage = if relay { Stage::two_services() } else { Stage::one_service() };
        let stored = stage.from.put_with("src", "in/k", BODY, parts, write.clone());
        let mut task = task("k", &stored);
        task.source.storage_class = StorageClass::StandardIa;
        task.target_key = Some("other".into());
        let outcome = stage.copy(&task).await;
        assert_eq!(proof(&outcome), Evidence::Etag, "{relay} {parts:?}");
        let found = stage.target("other").write;
        assert_eq!(found.metadata, Some(metadata.clone()));
        assert_eq!(found.tags, write.tags);
        assert_eq!(found.storage_class, write.storage_class);
    }
}

#[tokio::test]
async fn a_class_the_destination_does_not_know_is_left_out_and_said() {
    for (stage, operation) in [(Stage::one_service(), Copy), (Stage::two_services(), Put)] {
        stage.to.script(operation, Fault::Refuse(Kind::Invalid, "InvalidStorageClass"));
        let mut task = stage.source("k", BODY, &[]);
        task.source.storage_class = StorageClass::Other("SNOW".into());
        let outcome = stage.copy(&task).await;
        assert_eq!(outcome.notes, [Note::StorageClassRefused("SNOW".into())]);
        assert_eq!(stage.target("k").write.storage_class, None);
    }
}

#[tokio::test]
async fn an_archived_object_costs_no_request() {
    let stage = Stage::one_service();
    let mut task = stage.source("k", BODY, &[]);
    task.source.storage_class = StorageClass::DeepArchive;
    let outcome = stage.copy(&task).await;
    assert_eq!((reason(&outcome), outcome.way), ("archived", None));
    assert!(stage.to.log().is_empty());
    task.source.restore = Some(crate::model::Restore::Until(Timestamp::from_seconds(9)));
    assert!(stage.copy(&task).await.result.is_ok());
}

// ---- guards

#[tokio::test]
async fn another_writer_is_never_overwritten() {
    for (stage, operation, parts) in [
        (Stage::one_service(), Copy, &[][..]),
        (Stage::one_service(), Complete, &[40, 3]),
        (Stage::two_services(), Put, &[]),
        (Stage::two_services(), Complete, &[40, 3]),
    ] {
        let old = stage.to.put_there("dst", "out/k", b"old", &[]);
        let mut task = stage.source("k", BODY, parts);
        task.standing = present(&old);
        stage.to.script(operation, Fault::Overtake("out/k", b"new"));
        let outcome = stage.copy(&task).await;
        assert_eq!(reason(&outcome), "changed-meanwhile", "{operation:?}");
        assert_eq!(stage.target("k").body, b"new");
        assert_eq!(stage.to.open_uploads(), 0);
        // Created and deleted are changes, too.
        task.standing = Standing::Absent;
        assert_eq!(reason(&stage.copy(&task).await), "changed-meanwhile");
    }
}

#[tokio::test]
async fn a_source_that_changed_is_not_copied() {
    for (stage, parts) in [
        (Stage::one_service(), &[][..]),
        (Stage::one_service(), &[40, 3]),
        (Stage::two_services(), &[]),
        (Stage::two_services(), &[40, 3]),
    ] {
        let task = stage.source("k", BODY, parts);
        stage.from.put_there("src", "in/k", b"another body of forty-three bytes, you see", &[]);
        let outcome = stage.copy(&task).await;
        assert_eq!(reason(&outcome), "changed-meanwhile", "{outcome:?}");
        assert!(stage.to.current("dst", "out/k").is_none());
        assert_eq!(stage.to.open_uploads(), 0);
    }
}

#[tokio::test]
async fn an_older_version_is_copied_over_its_successor() {
    let store = Double::new("here");
    let old = store.put_there("bkt", "k", BODY, &[]);
    let new = store.put_there("bkt", "k", b"spoilt", &[]);
    let copier = Copier::new(store.side("s3://bkt"), store.side("s3://bkt"), CopyOptions::default(), tools());
    let mut task = task("k", &old);
    task.source.version_id = Some(old.version.clone());
    task.standing = present(&new);
    assert!(copier.copy(&task).await.result.is_ok());
    assert_eq!(store.current("bkt", "k").unwrap().body, BODY);
}

#[tokio::test]
async fn a_server_without_conditions_is_looked_at_first() {
    let stage = Stage::two_services();
    stage.to.traits.lock().unwrap().conditional = false;
    let outcome = stage.copy(&stage.source("k", BODY, &[])).await;
    assert_eq!(outcome.notes, [Note::Unguarded]);
    assert_eq!(stage.to.log(), [Put, Head, Put]);
    // Learnt: the second object pays no refusal.
    assert!(stage.copy(&stage.source("l", BODY, &[])).await.result.is_ok());
    assert_eq!(stage.to.log(), [Head, Put]);
    stage.to.put_there("dst", "out/m", b"new", &[]);
    assert_eq!(reason(&stage.copy(&stage.source("m", BODY, &[])).await), "changed-meanwhile");
    assert_eq!(stage.target("m").body, b"new");
}

// ---- doubtful ends

#[tokio::test(start_paused = true)]
async fn a_lost_answer_makes_no_second_version() {
    for (stage, operation, parts) in [
        (Stage::one_service(), Copy, &[][..]),
        (Stage::one_service(), Complete, &[40, 3]),
        (Stage::two_services(), Put, &[]),
        (Stage::two_services(), Complete, &[40, 3]),
    ] {
        for (fault, notes) in [(Fault::Lose, &[Note::FoundInPlace][..]), (Fault::Drop, &[])] {
            let key = format!("{fault:?}");
            stage.to.script(operation, fault.clone());
            let outcome = stage.copy(&stage.source(&key, BODY, parts)).await;
            assert_eq!(proof(&outcome), Evidence::Etag, "{operation:?} {key}");
            assert_eq!(outcome.notes, notes);
            assert_eq!(stage.writes(&key), 1);
            assert_eq!(stage.to.open_uploads(), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_rewrite_of_equal_bytes_is_told_from_what_stood_there() {
    let stage = Stage::one_service();
    let old = stage.to.put_there("dst", "out/k", BODY, &[]);
    let mut task = stage.source("k", BODY, &[]);
    task.standing = present(&old);
    for (fault, writes) in [(Fault::Drop, 2), (Fault::Lose, 3)] {
        stage.to.script(Copy, fault);
        assert!(stage.copy(&task).await.result.is_ok());
        assert_eq!(stage.writes("k"), writes);
        task.standing = present(&stage.target("k"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_lost_copy_into_kms_is_known_by_its_checksum() {
    let stage = Stage::one_service();
    let task = stage.source("k", BODY, &[]);
    stage.to.traits.lock().unwrap().kms = true;
    stage.to.script(Copy, Fault::Lose);
    let outcome = stage.copy(&task).await;
    assert_eq!(proof(&outcome), Evidence::Checksum);
    assert_eq!(stage.writes("k"), 1);
}

#[tokio::test(start_paused = true)]
async fn answers_that_never_come_end_in_a_failure() {
    let stage = Stage::one_service();
    for _ in 0..10 {
        stage.to.script(Copy, Fault::Drop);
    }
    assert_eq!(reason(&stage.copy(&stage.source("k", BODY, &[])).await), "server-error");
    assert!(stage.to.log().len() <= 8);
}

#[tokio::test(start_paused = true)]
async fn conflicts_are_tried_again_and_lost_uploads_begun_again() {
    let stage = Stage::one_service();
    stage.to.script(Copy, Fault::Refuse(Kind::Conflict, "ConditionalRequestConflict"));
    assert!(stage.copy(&stage.source("k", BODY, &[])).await.result.is_ok());
    stage.to.script(Complete, Fault::Refuse(Kind::NoSuchUpload, "NoSuchUpload"));
    assert!(stage.copy(&stage.source("l", BODY, &[40, 3])).await.result.is_ok());
    assert_eq!((stage.writes("l"), stage.to.open_uploads()), (1, 0));
}

// ---- fallbacks

#[tokio::test]
async fn a_refused_copy_is_relayed_and_the_rule_is_learnt() {
    let stage = Stage::one_service();
    stage.to.traits.lock().unwrap().copies = false;
    for n in 0..3 {
        let outcome = stage.copy(&stage.source(&format!("k{n}"), BODY, &[])).await;
        assert_eq!((proof(&outcome), outcome.way), (Evidence::Etag, Some(Way::Put)));
        assert!(matches!(outcome.notes[..], [.., Note::ServerSideRefused(_)]));
    }
    stage.to.log();
    let outcome = stage.copy(&stage.source("k9", BODY, &[])).await;
    assert_eq!((stage.to.log(), outcome.notes), (vec![Get, Put], vec![]));
}

#[tokio::test]
async fn in_server_mode_a_refusal_is_a_failure() {
    let stage = Stage::one_service().with(|options| options.mode = CopyMode::Server);
    stage.to.script(Copy, Fault::Refuse(Kind::Denied, "AccessDenied"));
    assert_eq!(reason(&stage.copy(&stage.source("k", BODY, &[])).await), "access-denied");
    let apart = Stage::two_services().with(|options| options.mode = CopyMode::Server);
    assert_eq!(reason(&apart.copy(&apart.source("k", BODY, &[])).await), "not-one-service");
}

#[tokio::test]
async fn a_bucket_that_takes_nothing_is_not_sent_every_object() {
    let stage = Stage::one_service();
    for n in 0..10 {
        stage.to.script(Copy, Fault::Refuse(Kind::Denied, "AccessDenied"));
        stage.to.script(Put, Fault::Refuse(Kind::Denied, "AccessDenied"));
        assert_eq!(reason(&stage.copy(&stage.source(&format!("k{n}"), BODY, &[])).await), "access-denied");
    }
    assert_eq!(stage.to.log().iter().filter(|operation| **operation == Get).count(), 3);
}

// ---- reading

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

// ---- proof

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

// ---- uploads

#[tokio::test]
async fn a_failed_upload_is_aborted_or_stays_in_the_log() {
    for stage in [Stage::one_service(), Stage::two_services()] {
        for operation in [CopyPart, Part, Complete] {
            stage.to.script(operation, Fault::Refuse(Kind::Credentials, "ExpiredToken"));
        }
        let task = stage.source("k", BODY, &[40, 3]);
        assert_eq!(reason(&stage.copy(&task).await), "credentials");
        assert_eq!(stage.to.open_uploads(), 0);
        stage.to.script(Abort, Fault::Refuse(Kind::Credentials, "ExpiredToken"));
        assert_eq!(reason(&stage.copy(&task).await), "credentials");
        assert_eq!(stage.to.open_uploads(), 1);
        let log = stage.log.0.lock().unwrap();
        assert_eq!((log.0.len(), log.1.len()), (2, 1));
    }
}

#[tokio::test]
async fn a_dropped_or_cancelled_copy_aborts_its_upload() {
    let stage = Stage::two_services();
    let task = stage.source("k", BODY, &[40, 3]);
    // Dropped right after the upload was begun.
    {
        let copier = stage.copier();
        let copy = copier.copy(&task);
        tokio::pin!(copy);
        let begun = || !stage.log.0.lock().unwrap().0.is_empty();
        while !begun() {
            assert!(futures::poll!(&mut copy).is_pending());
            tokio::task::yield_now().await;
        }
    }
    while stage.log.0.lock().unwrap().1.is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(stage.to.open_uploads(), 0);
    stage.cancel.cancel();
    assert_eq!(reason(&stage.copy(&task).await), "cancelled");
}

// ---- deletes

fn deletes(keys: &[(&str, &Stored)]) -> Vec<DeleteTask> {
    let task = |(key, stored): &(&str, &Stored)| DeleteTask {
        key: (*key).into(),
        version_id: None,
        if_match: stored.etag.clone(),
    };
    keys.iter().map(task).collect()
}

#[tokio::test(start_paused = true)]
async fn deletes_spare_what_changed_and_make_one_marker() {
    let never = CancellationToken::new();
    for fault in [Fault::Pass, Fault::Lose, Fault::Drop, Fault::Break(0)] {
        for conditional in [true, false] {
            let store = Double::new("here");
            let stored: Vec<_> = ["a", "b", "c", "d"]
                .iter()
                .map(|key| store.put_there("dst", &format!("out/{key}"), BODY, &[]))
                .collect();
            let tasks =
                deletes(&[("a", &stored[0]), ("b", &stored[1]), ("c", &stored[2]), ("d", &stored[3])]);
            store.put_there("dst", "out/b", b"new", &[]);
            store.script(Delete, fault.clone());
            let outcomes = delete_keys(&store.side("s3://dst/out/"), &tasks, conditional, &never).await;
            for (outcome, key) in outcomes.iter().zip(["a", "b", "c", "d"]) {
                assert_eq!(outcome.key, key);
                let versions = store.versions("dst", &format!("out/{key}"));
                let markers = versions.iter().filter(|stored| stored.marker).count();
                if key == "b" {
                    assert_eq!(outcome.result.as_ref().unwrap_err().reason(), "changed-meanwhile");
                    assert_eq!(markers, 0);
                } else {
                    assert!(outcome.result.is_ok(), "{outcome:?}");
                    assert_eq!(markers, 1, "{fault:?} {conditional} {key}");
                }
            }
        }
    }
}

#[tokio::test]
async fn deletes_go_in_batches_and_versions_by_name() {
    let store = Double::new("here");
    let never = CancellationToken::new();
    let tasks: Vec<_> = (0..2_500)
        .map(|n| {
            let key = format!("{n}");
            let stored = store.put_there("dst", &key, b"x", &[]);
            DeleteTask { key, version_id: Some(stored.version), if_match: None }
        })
        .collect();
    let outcomes = delete_keys(&store.side("s3://dst"), &tasks, true, &never).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.result.is_ok()).count(), 2_500);
    assert_eq!(store.log(), [Delete, Delete, Delete]);
    assert!(store.versions("dst", "7").is_empty());
    never.cancel();
    let refused = delete_keys(&store.side("s3://dst"), &tasks[..1], true, &never).await;
    assert_eq!(refused[0].result.as_ref().unwrap_err().reason(), "cancelled");
}

#[tokio::test(start_paused = true)]
async fn a_lost_delete_without_a_condition_is_not_repeated() {
    let store = Double::new("here");
    store.put_there("dst", "k", BODY, &[]);
    store.script(Delete, Fault::Lose);
    let task = DeleteTask { key: "k".into(), version_id: None, if_match: None };
    let outcomes = delete_keys(&store.side("s3://dst"), &[task], true, &CancellationToken::new()).await;
    assert!(outcomes[0].result.is_ok());
    assert_eq!(store.log(), [Delete, Head]);
    assert_eq!(store.versions("dst", "k").iter().filter(|stored| stored.marker).count(), 1);
}

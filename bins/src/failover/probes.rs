//! What the credentials may do, found out with as little as possible.

use super::{Check, Found};
use s3twin_engine::list::Side;
use s3twin_engine::s3::{
    DeleteKey, GetObject, HeadObject, Kind, ListObjects, ListVersions, PutObject, S3Error, UploadId,
    UploadPart,
};

/// A name that nobody else uses, below the location.
const SCRATCH: &str = ".s3twin-failover-check";
/// Objects looked at for one whose bytes can be read.
const LOOKED_AT: u16 = 10;

fn refused(name: &'static str, error: &S3Error) -> Check {
    Check::new(name, Found::NoGo, error.to_string()).advise(error.advice())
}

/// Lists a few objects and a version, and reads one byte of the first that can be read.
pub(super) async fn reads(side: &Side, name: &'static str) -> Check {
    let (bucket, prefix) = (side.bucket().to_owned(), side.location.prefix.to_string());
    let versions = ListVersions {
        bucket: bucket.clone(),
        prefix: prefix.clone(),
        max_keys: 1,
        ..ListVersions::default()
    };
    let objects =
        ListObjects { bucket: bucket.clone(), prefix, max_keys: LOOKED_AT, ..ListObjects::default() };
    let page = match side.store.list_objects(&objects).await {
        Ok(page) => page,
        Err(error) => return refused(name, &error),
    };
    if let Err(error) = side.store.list_versions(&versions).await {
        return refused(name, &error);
    }
    for index in 0..page.len() {
        let Some(entry) = page.get(index) else { break };
        let id = side.object(entry.key.strip_prefix(&*side.location.prefix).unwrap_or(entry.key));
        let answer = if entry.row.size == 0 {
            side.store.head(&HeadObject { id, ..HeadObject::default() }).await.map(|_| ())
        } else {
            side.store.get(&GetObject { id, range: Some((0, 0)), if_match: None }).await.map(|_| ())
        };
        match answer {
            Ok(()) => return Check::new(name, Found::Ok, "listed, its versions too, and one object read"),
            // Gone since, or not readable today: another will tell.
            Err(error) if matches!(error.kind, Kind::Archived | Kind::NotFound) => {}
            Err(error) => return refused(name, &error),
        }
    }
    let detail = if page.is_empty() {
        "listed; there is no object to try to read"
    } else {
        "listed; the first objects are archived, so reading was not tried"
    };
    Check::new(name, Found::Warning, detail)
}

/// Sends a byte for an upload that does not exist: whoever may not write is told that, whoever may is told that
/// there is no such upload. Nothing is written either way.
pub(super) async fn writes(side: &Side, name: &'static str, wanted: bool, needed: bool) -> Check {
    if !wanted {
        return Check::new(name, Found::NotChecked, "left out by --skip");
    }
    let upload = UploadId {
        bucket: side.bucket().to_owned(),
        key: side.location.key(SCRATCH),
        upload_id: "s3twin-no-such-upload".to_owned(),
    };
    let part = UploadPart {
        upload,
        part_number: 1,
        frames: vec![vec![b's'].into()],
        customer_key: side.customer_key.clone(),
        ..UploadPart::default()
    };
    match side.store.upload_part(&part).await {
        Err(error) if error.kind == Kind::NoSuchUpload => {
            Check::new(name, Found::Ok, "allowed; nothing was written to find out")
        }
        Err(error) if error.kind == Kind::Denied && needed => refused(name, &error),
        Err(error) if error.kind == Kind::Denied => Check::new(name, Found::Warning, error.to_string())
            .advise("a failback writes to the primary: it will need other credentials"),
        Err(error) => open(name, &error.to_string()),
        Ok(_) => open(name, "the server took a part for an upload that does not exist"),
    }
}

fn open(name: &'static str, why: &str) -> Check {
    Check::new(name, Found::Warning, format!("could not be found out without writing: {why}"))
        .advise("--write-test finds out on the replica")
}

/// Writes, looks, removes.
pub(super) async fn write_test(side: &Side) -> Check {
    const NAME: &str = "write test";
    let relative = format!("{SCRATCH}-{:016x}", fastrand::u64(..));
    let id = side.object(&relative);
    let (bucket, key) = (id.bucket.clone(), id.key.clone());
    let mut put = PutObject {
        bucket: bucket.clone(),
        key: key.clone(),
        frames: vec![b"s3twin".to_vec().into()],
        ..PutObject::default()
    };
    put.write.customer_key = side.customer_key.clone();
    let written = match side.store.put(&put).await {
        Ok(written) => written,
        Err(error) => return refused(NAME, &error),
    };
    let seen = side.store.head(&HeadObject { id, ..HeadObject::default() }).await;
    let gone = DeleteKey { key: key.clone(), version_id: written.version_id.clone(), if_match: None };
    if let Err(error) = side.store.delete_one(&bucket, &gone).await {
        return Check::new(NAME, Found::Warning, format!("written, but not removed again: {error}"))
            .advise(format!("remove s3://{bucket}/{key} by hand"));
    }
    match seen {
        Ok(info) if info.etag == written.etag && info.size == 6 => {
            Check::new(NAME, Found::Ok, "written, seen and removed")
        }
        Ok(_) => Check::new(NAME, Found::NoGo, "what was written is not what was seen")
            .advise("something else writes there, or the server is not to be trusted"),
        Err(error) => refused(NAME, &error),
    }
}

//! Between the SDK's shapes and ours.

use crate::model::{Checksum, ChecksumAlgorithm, ChecksumType, ETag, StorageClass, Timestamp};
use crate::s3::{Metadata, ObjectId, encoded_word};
use aws_sdk_s3::primitives::{ByteStream, DateTime, DateTimeFormat, SdkBody};
use aws_sdk_s3::types;
use bytes::Bytes;
use http_body_util::StreamBody;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but unreserved characters and the slash: what `x-amz-copy-source` and tag headers need
/// (S3 facts, section 4.3; the SDK sends the header as it is given).
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(super) fn time(time: Option<&DateTime>) -> Timestamp {
    time.and_then(|time| time.to_millis().ok()).map(Timestamp::from_millis).unwrap_or_default()
}

pub(super) fn sdk_time(time: Timestamp) -> DateTime {
    DateTime::from_millis(time.millis())
}

pub(super) fn size(length: Option<i64>) -> u64 {
    length.and_then(|length| u64::try_from(length).ok()).unwrap_or_default()
}

pub(super) fn count(count: Option<i32>) -> Option<u32> {
    count.and_then(|count| u32::try_from(count).ok())
}

pub(super) fn etag(text: Option<&str>) -> Option<ETag> {
    text.filter(|text| !text.is_empty()).map(ETag::parse)
}

pub(super) fn storage_class(class: Option<&types::StorageClass>) -> StorageClass {
    StorageClass::from_name(class.map_or("", types::StorageClass::as_str))
}

pub(super) fn checksum_type(kind: Option<&types::ChecksumType>) -> Option<ChecksumType> {
    match kind.map(types::ChecksumType::as_str) {
        Some("FULL_OBJECT") => Some(ChecksumType::FullObject),
        Some("COMPOSITE") => Some(ChecksumType::Composite),
        _ => None,
    }
}

pub(super) fn sdk_checksum_type(kind: ChecksumType) -> types::ChecksumType {
    match kind {
        ChecksumType::FullObject => types::ChecksumType::FullObject,
        ChecksumType::Composite => types::ChecksumType::Composite,
    }
}

pub(super) fn sdk_algorithm(algorithm: ChecksumAlgorithm) -> types::ChecksumAlgorithm {
    types::ChecksumAlgorithm::from(algorithm.name())
}

/// `x-amz-copy-source`: the version id is appended after encoding.
pub(super) fn copy_source(id: &ObjectId) -> String {
    let path = format!("{}/{}", id.bucket, id.key);
    let encoded = utf8_percent_encode(&path, PATH).to_string();
    match &id.version_id {
        Some(version) => format!("{encoded}?versionId={}", utf8_percent_encode(version, QUERY)),
        None => encoded,
    }
}

/// `x-amz-tagging`: a query string.
pub(super) fn tagging(tags: &[(String, String)]) -> String {
    let pairs = tags.iter().map(|(name, value)| {
        format!("{}={}", utf8_percent_encode(name, QUERY), utf8_percent_encode(value, QUERY))
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// `Expires` is free text in HTTP but a date in the SDK's inputs; what is no date cannot be carried.
pub(super) fn expires(metadata: &Metadata) -> Option<DateTime> {
    let text = metadata.expires.as_deref()?;
    DateTime::from_str(text, DateTimeFormat::HttpDate).ok()
}

/// One entry of user metadata as it is meant.
pub(super) fn plain((name, value): (&String, &String)) -> (String, String) {
    (name.clone(), encoded_word::decode(value).into_owned())
}

/// One entry of user metadata as a header can carry it.
pub(super) fn in_header((name, value): (&String, &String)) -> (String, String) {
    (name.clone(), encoded_word::encode(value).into_owned())
}

/// A body of known length from frames, without copying them together.
pub(super) fn body(frames: &[Bytes]) -> ByteStream {
    if let [only] = frames {
        return ByteStream::from(only.clone());
    }
    let frames = frames.to_vec();
    let chunks = futures::stream::iter(
        frames.into_iter().map(|frame| Ok::<_, std::io::Error>(http_body::Frame::data(frame))),
    );
    ByteStream::new(SdkBody::from_body_1_x(StreamBody::new(chunks)))
}

/// All checksums an SDK output carries.
macro_rules! stored_checksums {
    ($output:expr) => {{
        let output = $output;
        let all: [(ChecksumAlgorithm, Option<&str>); 10] = [
            (ChecksumAlgorithm::Crc64nvme, output.checksum_crc64_nvme()),
            (ChecksumAlgorithm::Crc32, output.checksum_crc32()),
            (ChecksumAlgorithm::Crc32c, output.checksum_crc32_c()),
            (ChecksumAlgorithm::Sha1, output.checksum_sha1()),
            (ChecksumAlgorithm::Sha256, output.checksum_sha256()),
            (ChecksumAlgorithm::Sha512, output.checksum_sha512()),
            (ChecksumAlgorithm::Md5, output.checksum_md5()),
            (ChecksumAlgorithm::Xxhash64, output.checksum_xxhash64()),
            (ChecksumAlgorithm::Xxhash3, output.checksum_xxhash3()),
            (ChecksumAlgorithm::Xxhash128, output.checksum_xxhash128()),
        ];
        $crate::s3::aws::convert::parse_checksums(&all)
    }};
}
pub(super) use stored_checksums;

/// Values that do not parse are left out: a checksum we cannot read proves nothing.
pub(super) fn parse_checksums(all: &[(ChecksumAlgorithm, Option<&str>)]) -> Vec<Checksum> {
    all.iter().filter_map(|(algorithm, text)| Checksum::parse(*algorithm, (*text)?).ok()).collect()
}

/// Sets the one field of an SDK builder that belongs to a checksum's algorithm.
macro_rules! with_checksum {
    ($builder:expr, $checksum:expr) => {{
        let builder = $builder;
        match $checksum {
            None => builder,
            Some(checksum) => {
                let text = checksum.text();
                match checksum.algorithm {
                    ChecksumAlgorithm::Crc64nvme => builder.checksum_crc64_nvme(text),
                    ChecksumAlgorithm::Crc32 => builder.checksum_crc32(text),
                    ChecksumAlgorithm::Crc32c => builder.checksum_crc32_c(text),
                    ChecksumAlgorithm::Sha1 => builder.checksum_sha1(text),
                    ChecksumAlgorithm::Sha256 => builder.checksum_sha256(text),
                    ChecksumAlgorithm::Sha512 => builder.checksum_sha512(text),
                    ChecksumAlgorithm::Md5 => builder.checksum_md5(text),
                    ChecksumAlgorithm::Xxhash64 => builder.checksum_xxhash64(text),
                    ChecksumAlgorithm::Xxhash3 => builder.checksum_xxhash3(text),
                    ChecksumAlgorithm::Xxhash128 => builder.checksum_xxhash128(text),
                }
            }
        }
    }};
}
pub(super) use with_checksum;

/// System and user metadata out of a HEAD or GET output.
macro_rules! metadata {
    ($output:expr) => {{
        let output = $output;
        $crate::s3::Metadata {
            content_type: output.content_type().map(str::to_owned),
            cache_control: output.cache_control().map(str::to_owned),
            content_disposition: output.content_disposition().map(str::to_owned),
            content_encoding: output.content_encoding().map(str::to_owned),
            content_language: output.content_language().map(str::to_owned),
            expires: output.expires_string().map(str::to_owned),
            website_redirect: output.website_redirect_location().map(str::to_owned),
            user: output.metadata().into_iter().flatten().map($crate::s3::aws::convert::plain).collect(),
        }
    }};
}
pub(super) use metadata;

/// System and user metadata into a PUT, multipart creation or copy builder.
macro_rules! with_metadata {
    ($builder:expr, $metadata:expr) => {{
        let metadata: &$crate::s3::Metadata = $metadata;
        $builder
            .set_content_type(metadata.content_type.clone())
            .set_cache_control(metadata.cache_control.clone())
            .set_content_disposition(metadata.content_disposition.clone())
            .set_content_encoding(metadata.content_encoding.clone())
            .set_content_language(metadata.content_language.clone())
            .set_expires($crate::s3::aws::convert::expires(metadata))
            .set_website_redirect_location(metadata.website_redirect.clone())
            .set_metadata(
                (!metadata.user.is_empty())
                    .then(|| metadata.user.iter().map($crate::s3::aws::convert::in_header).collect()),
            )
    }};
}
pub(super) use with_metadata;

/// Storage class, encryption and lock into a PUT, multipart creation or copy builder.
macro_rules! with_placement {
    ($builder:expr, $write:expr) => {{
        let write: &$crate::s3::WriteAttributes = $write;
        let builder = $crate::s3::aws::convert::with_key!($builder, write.customer_key);
        let encryption = write.encryption.as_ref();
        let lock = write.lock.as_ref();
        let (canned, grants) = match &write.acl {
            Some($crate::s3::Acl::Canned(name)) => (Some(types::ObjectCannedAcl::from(name.as_str())), None),
            Some($crate::s3::Acl::Grants(grants)) => (None, Some(grants)),
            None => (None, None),
        };
        let grant = |permission: &str| grants.and_then(|grants| grants.get(permission).cloned());
        builder
            .set_acl(canned)
            .set_grant_full_control(grant("FULL_CONTROL"))
            .set_grant_read(grant("READ"))
            .set_grant_read_acp(grant("READ_ACP"))
            .set_grant_write_acp(grant("WRITE_ACP"))
            .set_storage_class(
                write.storage_class.as_ref().map(|class| types::StorageClass::from(class.name())),
            )
            .set_server_side_encryption(
                encryption.and_then(|e| e.algorithm.as_deref()).map(types::ServerSideEncryption::from),
            )
            .set_ssekms_key_id(encryption.and_then(|e| e.kms_key_id.clone()))
            .set_object_lock_mode(lock.and_then(|l| l.mode.as_deref()).map(types::ObjectLockMode::from))
            .set_object_lock_retain_until_date(
                lock.and_then(|l| l.retain_until).map($crate::s3::aws::convert::sdk_time),
            )
            .set_object_lock_legal_hold_status(
                lock.filter(|l| l.legal_hold).map(|_| types::ObjectLockLegalHoldStatus::On),
            )
    }};
}
pub(super) use with_placement;

/// The customer's key (SSE-C) into any builder that reads or writes an object.
macro_rules! with_key {
    ($builder:expr, $key:expr) => {{
        let key: Option<&$crate::s3::CustomerKey> = $key.as_ref();
        $builder
            .set_sse_customer_algorithm(key.map(|_| $crate::s3::customer_key::ALGORITHM.to_owned()))
            .set_sse_customer_key(key.map(|key| key.secret().to_owned()))
            .set_sse_customer_key_md5(key.map(|key| key.md5().to_owned()))
    }};
}
pub(super) use with_key;

/// The customer's key of a copy's source.
macro_rules! with_source_key {
    ($builder:expr, $key:expr) => {{
        let key: Option<&$crate::s3::CustomerKey> = $key.as_ref();
        $builder
            .set_copy_source_sse_customer_algorithm(
                key.map(|_| $crate::s3::customer_key::ALGORITHM.to_owned()),
            )
            .set_copy_source_sse_customer_key(key.map(|key| key.secret().to_owned()))
            .set_copy_source_sse_customer_key_md5(key.map(|key| key.md5().to_owned()))
    }};
}
pub(super) use with_source_key;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copy_source_keeps_odd_keys_apart() {
        let mut id = ObjectId::current("media", "a b+%é\n?versionId=x");
        assert_eq!(copy_source(&id), "media/a%20b%2B%25%C3%A9%0A%3FversionId%3Dx");
        id.version_id = Some("v+1".into());
        assert!(copy_source(&id).ends_with("?versionId=v%2B1"));
    }
}

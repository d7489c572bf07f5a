//! Uploads in progress, and what they hold.

use super::AwsStore;
use super::classify::Target;
use super::convert;
use crate::s3::{
    Answer, Leftovers, Operation, PendingUpload, UploadId, UploadMarker, UploadPage, UploadWeight,
};
use async_trait::async_trait;
use aws_sdk_s3::types::EncodingType;

#[async_trait]
impl Leftovers for AwsStore {
    async fn uploads(&self, bucket: &str, prefix: &str, after: Option<&UploadMarker>) -> Answer<UploadPage> {
        let target = Target::bucket(Operation::ListMultipartUploads, bucket);
        let sent = self
            .client
            .list_multipart_uploads()
            .bucket(bucket)
            .set_prefix((!prefix.is_empty()).then(|| prefix.to_owned()))
            .set_key_marker(after.map(|marker| marker.key.clone()))
            .set_upload_id_marker(after.map(|marker| marker.upload_id.clone()))
            .encoding_type(EncodingType::Url)
            .send();
        let page = sent.await.map_err(|error| target.classify(&error))?;
        let url = page.encoding_type() == Some(&EncodingType::Url);
        let decode = |text: &str| {
            if !url {
                return text.to_owned();
            }
            percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
        };
        let pending = page.uploads().iter().filter_map(|upload| {
            let upload_id = upload.upload_id()?.to_owned();
            let key = decode(upload.key()?);
            let upload_id = UploadId { bucket: bucket.to_owned(), key, upload_id };
            Some(PendingUpload { upload: upload_id, initiated: convert::time(upload.initiated()) })
        });
        let next = page.next_key_marker().filter(|_| page.is_truncated().unwrap_or_default());
        let next = next.map(|key| UploadMarker {
            key: decode(key),
            upload_id: page.next_upload_id_marker().unwrap_or_default().to_owned(),
        });
        Ok(UploadPage { uploads: pending.collect(), next })
    }

    async fn weigh(&self, upload: &UploadId) -> Answer<UploadWeight> {
        let target = Target::key(Operation::ListParts, &upload.bucket, &upload.key);
        let (mut weight, mut marker) = (UploadWeight::default(), None);
        loop {
            let sent = self
                .client
                .list_parts()
                .bucket(&upload.bucket)
                .key(&upload.key)
                .upload_id(&upload.upload_id)
                .set_part_number_marker(marker)
                .send();
            let page = sent.await.map_err(|error| target.classify(&error))?;
            weight.parts += page.parts().len() as u64;
            weight.bytes += page.parts().iter().map(|part| convert::size(part.size())).sum::<u64>();
            match page.next_part_number_marker().filter(|_| page.is_truncated().unwrap_or_default()) {
                Some(next) => marker = Some(next.to_owned()),
                None => return Ok(weight),
            }
        }
    }
}

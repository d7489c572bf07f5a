//! An SNS topic.

use super::Message;
use crate::config::Sns;
use s3twin_engine::s3::aws::{EndpointSettings, TopicMessage, publish};

/// Longest subject that SNS takes.
const SUBJECT_MAX: usize = 100;

pub(super) async fn send(sns: &Sns, message: &Message) -> Result<(), String> {
    // The topic's own region: arn:aws:sns:REGION:account:name.
    let region = sns.topic_arn.split(':').nth(3).filter(|region| !region.is_empty()).map(str::to_owned);
    let settings = EndpointSettings {
        endpoint_url: sns.endpoint_url.clone(),
        profile: sns.profile.clone(),
        region,
        ..EndpointSettings::default()
    };
    // SNS takes printable ASCII only.
    let subject = message.subject.chars().map(|c| if c == ' ' || c.is_ascii_graphic() { c } else { '?' });
    let wanted = TopicMessage {
        topic_arn: sns.topic_arn.clone(),
        subject: subject.take(SUBJECT_MAX).collect(),
        text: message.text(),
        attributes: vec![("event", message.event.name().to_owned()), ("job", message.job.clone())],
    };
    // Loading the AWS configuration has a large state.
    Box::pin(publish(&settings, wanted)).await.map_err(|error| format!("topic {}: {error}", sns.topic_arn))
}

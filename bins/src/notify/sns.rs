//! An SNS topic.

use super::failure::Failure;
use super::{Message, trust};
use crate::config::Sns;
use s3twin_engine::s3::aws::{EndpointSettings, TopicMessage, Trust, publish};
use std::path::PathBuf;

/// Longest subject that SNS takes.
const SUBJECT_MAX: usize = 100;

pub(super) async fn send(sns: &Sns, message: &Message) -> Result<(), Failure> {
    // The topic's own region: arn:aws:sns:REGION:account:name.
    let region = sns.topic_arn.split(':').nth(3).filter(|region| !region.is_empty()).map(str::to_owned);
    let settings = EndpointSettings {
        endpoint_url: sns.endpoint_url.clone(),
        profile: sns.profile.clone(),
        region,
        trust: believed(sns),
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
    let sent = Box::pin(publish(&settings, wanted)).await;
    sent.map_err(|error| {
        let why = format!("topic {}: {error}", sns.topic_arn);
        match trust::advice(&error) {
            Some(advice) => Failure::lasting(format!("{why}. What to do: {advice}")),
            None => Failure::passing(why),
        }
    })
}

/// As for S3: `AWS_CA_BUNDLE` is meant for every service of theirs.
fn believed(sns: &Sns) -> Trust {
    let named = || std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()).map(PathBuf::from);
    sns.ca_bundle.clone().or_else(named).map_or(Trust::System, Trust::Bundle)
}

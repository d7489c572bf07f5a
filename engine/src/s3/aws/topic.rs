//! A message to an SNS topic. Not S3, but the same SDK, and SDK types end in this folder.

use super::classify::chain;
use super::connect::{EndpointSettings, load};
use aws_sdk_sns::Client;
use aws_sdk_sns::types::MessageAttributeValue;

/// A message.
#[derive(Clone, Debug)]
pub struct TopicMessage {
    /// `arn:aws:sns:region:account:name`.
    pub topic_arn: String,
    /// One line of at most 100 printable ASCII characters.
    pub subject: String,
    /// The text; cut at what SNS takes.
    pub text: String,
    /// Attributes, by which subscribers may filter.
    pub attributes: Vec<(&'static str, String)>,
}

/// The most bytes SNS takes, less room for subject and attributes.
const TEXT_MAX: usize = 250_000;

/// Sends a message once.
///
/// # Errors
/// What the server or the transport said, in one line.
pub async fn publish(settings: &EndpointSettings, message: TopicMessage) -> Result<(), String> {
    let config = load(settings).await.map_err(|error| error.to_string())?;
    let mut request = Client::new(&config)
        .publish()
        .topic_arn(message.topic_arn)
        .subject(message.subject)
        .message(cut(message.text));
    for (name, value) in message.attributes {
        let value = MessageAttributeValue::builder().data_type("String").string_value(value).build();
        request = request.message_attributes(name, value.map_err(|error| error.to_string())?);
    }
    request.send().await.map(|_| ()).map_err(|error| chain(&error))
}

fn cut(mut text: String) -> String {
    if text.len() > TEXT_MAX {
        let end = (0..=TEXT_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
    }
    text
}

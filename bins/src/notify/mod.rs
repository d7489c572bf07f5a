//! Telling people: a message, and three ways to send it.

mod failure;
mod mail;
mod message;
mod sns;
mod trust;
mod webhook;

pub(crate) use message::Message;

use crate::config::Notification;
use failure::Failure;
use std::time::Duration;

/// A server that does not answer within this is not there.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Waits between the attempts of one message.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];

/// Sends a message every way that the notification names.
///
/// # Errors
/// What each way that failed said, after its last attempt.
pub(crate) async fn send(to: &Notification, message: &Message) -> Result<(), String> {
    let mut failed = Vec::new();
    if let Some(webhook) = &to.webhook {
        let silence = "the webhook does not answer: see whether the server is well";
        failed.extend(patiently(silence, || webhook::send(webhook, message)).await.err());
    }
    if let Some(smtp) = &to.smtp {
        let silence = format!("mail by {}: no answer. What to do: {}", smtp.server, mail::silence(smtp));
        failed.extend(patiently(&silence, || mail::send(smtp, message)).await.err());
    }
    if let Some(topic) = &to.sns {
        let silence = format!("topic {}: no answer: check the network", topic.topic_arn);
        failed.extend(patiently(&silence, || sns::send(topic, message)).await.err());
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}

/// Up to three attempts; `silence` is what is said of one that nobody answered.
async fn patiently<F>(silence: &str, send: impl Fn() -> F) -> Result<(), String>
where
    F: Future<Output = Result<(), Failure>>,
{
    let once = || async {
        let answer = tokio::time::timeout(TIMEOUT, send()).await;
        answer.unwrap_or_else(|_| Err(Failure::passing(silence)))
    };
    for pause in PAUSES {
        match once().await {
            Ok(()) => return Ok(()),
            Err(Failure { why, passing: false, .. }) => return Err(why),
            Err(Failure { why, wait, .. }) => {
                tracing::info!(why, "a notification could not be sent: trying again");
                tokio::time::sleep(wait.map_or(pause, |wait| wait.max(pause))).await;
            }
        }
    }
    once().await.map_err(|failure| failure.why)
}

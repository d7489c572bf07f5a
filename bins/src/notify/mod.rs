//! Telling people: a message, and three ways to send it.

mod mail;
mod message;
mod sns;
mod webhook;

pub(crate) use message::Message;

use crate::config::Notification;
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
        failed.extend(patiently(|| webhook::send(webhook, message)).await.err());
    }
    if let Some(smtp) = &to.smtp {
        failed.extend(patiently(|| mail::send(smtp, message)).await.err());
    }
    if let Some(topic) = &to.sns {
        failed.extend(patiently(|| sns::send(topic, message)).await.err());
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}

async fn patiently<F>(send: impl Fn() -> F) -> Result<(), String>
where
    F: Future<Output = Result<(), String>>,
{
    let once = || async {
        let answer = tokio::time::timeout(TIMEOUT, send()).await;
        answer.unwrap_or_else(|_| Err(format!("no answer within {} s", TIMEOUT.as_secs())))
    };
    for pause in PAUSES {
        match once().await {
            Ok(()) => return Ok(()),
            Err(why) => tracing::info!(why, "a notification could not be sent: trying again"),
        }
        tokio::time::sleep(pause).await;
    }
    once().await
}

//! JSON as Slack's incoming webhooks take it; Mattermost, Rocket.Chat and others do too.

use super::{Message, TIMEOUT};
use crate::config::{Event, Webhook};
use serde_json::{Value, json};

pub(super) async fn send(webhook: &Webhook, message: &Message) -> Result<(), String> {
    let url = match (&webhook.url, &webhook.url_env) {
        (Some(url), _) => url.clone(),
        (None, Some(name)) => std::env::var(name).map_err(|_| {
            format!("the environment variable {name}, which holds the webhook's URL, is not set")
        })?,
        (None, None) => return Err("no URL".to_owned()),
    };
    let agent = concat!("s3twin/", env!("CARGO_PKG_VERSION"));
    let client = reqwest::Client::builder().timeout(TIMEOUT).user_agent(agent).build();
    let client = client.map_err(|error| format!("the webhook's client cannot be made: {error}"))?;
    let sent =
        client.post(&url).header("content-type", "application/json").body(body(message).to_string()).send();
    // The URL may be the secret itself: it must not reach a log.
    let answer = sent
        .await
        .map_err(|error| format!("the webhook cannot be reached: {}", chain(&error.without_url())))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let said = answer.text().await.unwrap_or_default();
    let said: String = said.chars().filter(|c| !c.is_control()).take(200).collect();
    Err(format!("the webhook answered {status}: {said}"))
}

fn body(message: &Message) -> Value {
    let color = match message.event {
        Event::Failure => "#c2303a",
        Event::Difference => "#b8530b",
        Event::Recovery | Event::Success => "#1b7f4d",
    };
    let fields: Vec<Value> = message
        .facts
        .iter()
        .map(|(name, value)| json!({ "title": name, "value": escaped(value), "short": value.len() < 40 }))
        .collect();
    json!({
        "text": escaped(&message.subject),
        "attachments": [{ "color": color, "fallback": escaped(&message.subject), "fields": fields }],
    })
}

/// Slack's three special characters.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(&format!(": {error}"));
        next = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_message_is_markup() {
        let message = Message {
            event: Event::Failure,
            job: "nightly".to_owned(),
            subject: "a <b> & c".to_owned(),
            facts: vec![("Result", "<!channel>".to_owned())],
            report: None,
        };
        let body = body(&message);
        assert_eq!(body["text"], "a &lt;b&gt; &amp; c");
        assert_eq!(body["attachments"][0]["fields"][0]["value"], "&lt;!channel&gt;");
    }
}

//! JSON as Slack's incoming webhooks take it; Mattermost, Rocket.Chat and others do too.

use super::failure::{Failure, hide};
use super::{Message, TIMEOUT, trust};
use crate::config::{Event, Webhook};
use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Certificate, Client, StatusCode, Url, redirect::Policy};
use serde_json::{Value, json};
use std::time::Duration;

/// No message waits longer for its next attempt, whatever the server asks for.
const WAIT_MAX: Duration = Duration::from_secs(30);

pub(super) async fn send(webhook: &Webhook, message: &Message) -> Result<(), Failure> {
    let url = url(webhook)?;
    // The URL may be the secret itself: it must not reach a log, and servers repeat it.
    let secrets = parts(&url);
    let sent = client(webhook)?
        .post(url)
        .header("content-type", "application/json")
        .body(body(message).to_string())
        .send()
        .await;
    let answer = sent.map_err(|error| unreachable(error).without(&secrets))?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    if status.is_success() {
        return Ok(());
    }
    Err(refusal(status, &headers, &hide(&beginning(answer).await, &secrets)))
}

fn url(webhook: &Webhook) -> Result<Url, Failure> {
    let (url, whence) = match (&webhook.url, &webhook.url_env) {
        (Some(url), _) => (url.clone(), "url"),
        (None, Some(name)) => {
            let url = std::env::var(name).map_err(|_| {
                Failure::lasting(format!(
                    "the environment variable {name}, which holds the webhook's URL, is not set"
                ))
            })?;
            (url, name.as_str())
        }
        (None, None) => return Err(Failure::lasting("no URL")),
    };
    let parsed = Url::parse(url.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    parsed.ok_or_else(|| {
        Failure::lasting(format!("what {whence} holds is no URL of a webhook: begin it with https://"))
    })
}

fn client(webhook: &Webhook) -> Result<Client, Failure> {
    let agent = concat!("s3twin/", env!("CARGO_PKG_VERSION"));
    // Most redirects turn the message into a question, which is answered, and nobody is told.
    let mut builder = Client::builder().timeout(TIMEOUT).user_agent(agent).redirect(Policy::none());
    if let Some(path) = &webhook.ca_bundle {
        let authorities = Certificate::from_pem_bundle(&trust::bundle(path)?).map_err(|error| {
            Failure::lasting(format!("ca_bundle {} cannot be used: {}", path.display(), chain(&error)))
        })?;
        builder = builder.tls_certs_only(authorities);
    }
    builder
        .build()
        .map_err(|error| Failure::lasting(format!("the webhook's client cannot be made: {}", chain(&error))))
}

/// Path, query, and each name in them.
fn parts(url: &Url) -> Vec<String> {
    let whole = [Some(url.path()), url.query(), url.password()].into_iter().flatten();
    let names =
        url.path().split('/').chain(url.query().into_iter().flat_map(|query| query.split(['&', '='])));
    whole.chain(names).map(str::to_owned).collect()
}

fn unreachable(error: reqwest::Error) -> Failure {
    let (timeout, said) = (error.is_timeout(), chain(&error.without_url()));
    let certificate = trust::advice(&said);
    let advice = match certificate {
        Some(advice) => advice,
        None if said.contains("InvalidContentType") => "no TLS is spoken on this port: check the URL",
        None if timeout => "see whether the server is well",
        None => "check the URL, DNS and the network",
    };
    let why = format!("the webhook cannot be reached: {said}. What to do: {advice}");
    if certificate.is_some() { Failure::lasting(why) } else { Failure::passing(why) }
}

fn refusal(status: StatusCode, headers: &HeaderMap, said: &str) -> Failure {
    let wait = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let wait = wait.map(|seconds| Duration::from_secs(seconds).min(WAIT_MAX));
    let passing = status.is_server_error()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
    let mut why = format!("the webhook answered {status}");
    if !said.is_empty() {
        why.push_str(&format!(": {said}"));
    }
    let advice = if status.is_redirection() {
        let to = headers.get(LOCATION).and_then(|to| Url::parse(to.to_str().ok()?).ok());
        let to = to.and_then(|to| Some(format!(", on {}", to.host_str()?))).unwrap_or_default();
        format!("give the URL that this one points to{to}; a message is not sent after a redirect")
    } else if passing {
        "see whether the server is well".to_owned()
    } else {
        "see whether the webhook still exists, and give its URL as it is today".to_owned()
    };
    why.push_str(&format!(". What to do: {advice}"));
    Failure { why, passing, wait }
}

/// Longest answer that is told.
const SAID_MAX: usize = 200;

/// How an answer begins. The rest of it, however long, is not waited for.
async fn beginning(mut answer: reqwest::Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > 4 * SAID_MAX {
            break;
        }
    }
    String::from_utf8_lossy(&bytes).chars().filter(|c| !c.is_control()).take(SAID_MAX).collect()
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

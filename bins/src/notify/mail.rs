//! Mail.

use super::failure::Failure;
use super::{Message, TIMEOUT, trust};
use crate::config::{Smtp, SmtpTls};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::{Error, SMTP_PORT, SUBMISSION_PORT, SUBMISSIONS_PORT};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

pub(super) async fn send(smtp: &Smtp, message: &Message) -> Result<(), Failure> {
    let (host, port) = smtp
        .address()
        .ok_or_else(|| Failure::lasting(format!("{} is no mail server: write host:port", smtp.server)))?;
    let (tls, usual) = match smtp.tls {
        SmtpTls::Starttls => (Tls::Required(parameters(smtp, host)?), SUBMISSION_PORT),
        SmtpTls::Tls => (Tls::Wrapper(parameters(smtp, host)?), SUBMISSIONS_PORT),
        SmtpTls::None => (Tls::None, SMTP_PORT),
    };
    let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(port.unwrap_or(usual))
        .timeout(Some(TIMEOUT))
        .tls(tls);
    let mut secrets = Vec::new();
    if let (Some(user), Some(variable)) = (&smtp.user, &smtp.password_env) {
        let password = std::env::var(variable).map_err(|_| {
            Failure::lasting(format!(
                "the environment variable {variable}, which holds the mail password, is not set"
            ))
        })?;
        secrets = forms(user, &password);
        builder = builder.credentials(Credentials::new(user.clone(), password));
    }
    let sent = builder.build().send(mail(smtp, message)?).await;
    sent.map(|_| ()).map_err(|error| failure(host, &error).without(&secrets))
}

fn parameters(smtp: &Smtp, host: &str) -> Result<TlsParameters, Failure> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = &smtp.ca_bundle {
        let unusable =
            |error: Error| Failure::lasting(format!("ca_bundle {} cannot be used: {error}", path.display()));
        let authorities = Certificate::from_pem(&trust::bundle(path)?).map_err(unusable)?;
        builder = builder.certificate_store(CertificateStore::None).add_root_certificate(authorities);
        return builder.build().map_err(unusable);
    }
    builder.build().map_err(|error| Failure::lasting(format!("mail by {host}: {error}")))
}

/// A password as it goes over the wire.
fn forms(user: &str, password: &str) -> Vec<String> {
    let plain = BASE64_STANDARD.encode(format!("\0{user}\0{password}"));
    vec![plain, BASE64_STANDARD.encode(password), password.to_owned()]
}

/// What went wrong, without the names of the library's own kinds in front.
fn words(error: &Error) -> String {
    let said = error.to_string();
    let said = said.trim_start_matches("Connection error: ");
    said.trim_start_matches("internal client error: ").to_owned()
}

fn failure(host: &str, error: &Error) -> Failure {
    let said = words(error);
    let login = error.status().is_some_and(|code| matches!(u16::from(code), 530 | 534 | 535 | 538));
    let certificate = trust::advice(&said);
    let advice = if let Some(advice) = certificate {
        advice
    } else if login {
        "check user and the password in the variable that password_env names"
    } else if said.contains("STARTTLS is not supported") {
        "the server offers no STARTTLS, and nothing goes to it in the clear: use its TLS port with tls = \"tls\""
    } else if said.contains("No compatible authentication") {
        "the server takes no login here: leave out user and password_env, or use the port that takes one"
    } else if said.contains("InvalidContentType") {
        "no TLS is spoken on this port: try tls = \"starttls\", or the port for TLS (465)"
    } else if error.status().is_some() {
        "see the server's answer"
    } else {
        "check server, port and network"
    };
    let why = format!("mail by {host}: {said}. What to do: {advice}");
    let lasting = error.is_permanent() || error.is_client() || certificate.is_some();
    if lasting { Failure::lasting(why) } else { Failure::passing(why) }
}

/// What to look at when nothing answers.
pub(super) fn silence(smtp: &Smtp) -> &'static str {
    match smtp.tls {
        SmtpTls::Starttls => {
            "check host, port and network; a port that begins with TLS (465) needs tls = \"tls\""
        }
        SmtpTls::Tls | SmtpTls::None => "check host, port and network",
    }
}

fn mail(smtp: &Smtp, message: &Message) -> Result<lettre::Message, Failure> {
    let address = |text: &str| {
        text.parse().map_err(|error| Failure::lasting(format!("{text} is no mail address: {error}")))
    };
    let mut builder =
        lettre::Message::builder().from(address(&smtp.from)?).subject(&message.subject).message_id(None);
    for to in &smtp.to {
        builder = builder.to(address(to)?);
    }
    builder
        .header(ContentType::TEXT_PLAIN)
        .body(message.text())
        .map_err(|error| Failure::lasting(format!("the mail cannot be written: {error}")))
}

//! Mail.

use super::{Message, TIMEOUT};
use crate::config::{Smtp, SmtpTls};
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

pub(super) async fn send(smtp: &Smtp, message: &Message) -> Result<(), String> {
    let (host, port) = match smtp.server.rsplit_once(':') {
        Some((host, port)) => {
            let port = port.parse().map_err(|_| format!("{} is no host:port", smtp.server))?;
            (host, Some(port))
        }
        None => (smtp.server.as_str(), None),
    };
    let cannot = |error: lettre::transport::smtp::Error| format!("mail by {host}: {error}");
    let builder = match smtp.tls {
        SmtpTls::Starttls => AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(host).map_err(cannot)?,
        SmtpTls::Tls => AsyncSmtpTransport::<Tokio1Executor>::relay(host).map_err(cannot)?,
        SmtpTls::None => AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host),
    };
    let mut builder = builder.timeout(Some(TIMEOUT));
    if let Some(port) = port {
        builder = builder.port(port);
    }
    if let (Some(user), Some(variable)) = (&smtp.user, &smtp.password_env) {
        let password = std::env::var(variable).map_err(|_| {
            format!("the environment variable {variable}, which holds the mail password, is not set")
        })?;
        builder = builder.credentials(Credentials::new(user.clone(), password));
    }
    let transport = builder.build();
    transport.send(mail(smtp, message)?).await.map(|_| ()).map_err(cannot)
}

fn mail(smtp: &Smtp, message: &Message) -> Result<lettre::Message, String> {
    let address = |text: &str| text.parse().map_err(|error| format!("{text} is no mail address: {error}"));
    let mut builder = lettre::Message::builder().from(address(&smtp.from)?).subject(&message.subject);
    for to in &smtp.to {
        builder = builder.to(address(to)?);
    }
    builder
        .header(ContentType::TEXT_PLAIN)
        .body(message.text())
        .map_err(|error| format!("the mail cannot be written: {error}"))
}

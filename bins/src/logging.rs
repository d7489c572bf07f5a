//! Logs: on stderr, quiet unless asked.

use crate::args::{LogFormat, Talk};
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;

/// Below debug the signer prints every header, keys of the customer's (SSE-C) among them. A certificate that is not
/// believed is an error that is told with what to do about it, and need not be told twice.
const QUIETED: [&str; 2] = ["aws_sigv4=debug", "rustls_platform_verifier=off"];

/// Starts logging. `S3TWIN_LOG` takes a full filter (`s3twin_engine=debug`) and wins over `-v`.
pub(crate) fn start(talk: &Talk) {
    let level = match (talk.quiet, talk.verbose) {
        (true, _) => "error",
        (_, 0) => "warn",
        (_, 1) => "s3twin_engine=info,s3twin_cli=info,warn",
        (_, 2) => "s3twin_engine=debug,s3twin_cli=debug,info",
        _ => "trace",
    };
    let filter = EnvFilter::try_from_env("S3TWIN_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let filter = QUIETED.iter().fold(filter, |filter, directive| match directive.parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => EnvFilter::new("info"),
    });
    // Colours are for people: a log in a file or a journal is read by other means.
    let colours =
        std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
    let builder =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    // A second start (tests) finds a subscriber in place; that one stays.
    let _ = match talk.log_format {
        LogFormat::Text => builder.compact().try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}

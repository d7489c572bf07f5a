//! `s3twin config`.

use crate::args::{ConfigAction, ConfigCommand};
use crate::config::{Loaded, json_schema};
use crate::exit::Exit;
use crate::notify::{Message, send};
use crate::screen::out::say;
use std::fmt::Write as _;

/// A file to begin with. It is checked by a test.
pub(crate) const EXAMPLE: &str = include_str!("../../templates/s3twin.toml");

pub(crate) async fn run(command: ConfigCommand) -> Exit {
    let load = || Loaded::read(command.config.config.as_deref(), &command.config.set);
    let done = match command.action {
        ConfigAction::Schema => Ok(json_schema()),
        ConfigAction::Example => Ok(EXAMPLE.trim_end().to_owned()),
        ConfigAction::Check => load().map(|loaded| in_order(&loaded)),
        ConfigAction::Show => load().and_then(|loaded| show(&loaded)),
        ConfigAction::Notify { name } => match load() {
            Ok(loaded) => return notify(&loaded, &name).await,
            Err(error) => Err(error),
        },
    };
    match done {
        Ok(text) => {
            say!("{text}");
            Exit::Clean
        }
        Err(message) => {
            eprintln!("{message}");
            Exit::Usage
        }
    }
}

/// `jobs.nightly.cron = "15 2 * * *"   # line 12`, and the command line of each job.
fn show(loaded: &Loaded) -> Result<String, String> {
    let table = toml::Table::try_from(&loaded.config).map_err(|error| error.to_string())?;
    let mut text = format!("# {}\n", loaded.path.display());
    for (path, value) in crate::config::leaves(&table) {
        let value = match path.as_slice() {
            // The URL may be the secret itself.
            [.., way, field] if way == "webhook" && field == "url" => "\"…\"".to_owned(),
            _ => value.to_string(),
        };
        let path = path.join(".");
        let origin = loaded.origins.get(&path).map_or_else(|| "default".to_owned(), ToString::to_string);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{path} = {value}   # {origin}");
    }
    for (name, job) in &loaded.config.jobs {
        let words: Vec<String> = loaded.argv(job).iter().map(|word| quoted(word)).collect();
        let _ = writeln!(text, "\n# s3twin run {name}\ns3twin {}", words.join(" "));
    }
    Ok(text.trim_end().to_owned())
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

async fn notify(loaded: &Loaded, name: &str) -> Exit {
    let Some(to) = loaded.config.notifications.get(name) else {
        let there: Vec<&str> = loaded.config.notifications.keys().map(String::as_str).collect();
        eprintln!("s3twin: there is no notification {name}; there are: {}", there.join(", "));
        return Exit::Usage;
    };
    match send(to, &Message::trial(name)).await {
        Ok(()) => {
            say!("sent; look whether it arrived");
            Exit::Clean
        }
        Err(why) => {
            eprintln!("s3twin: {name} could not be told: {why}");
            Exit::Incomplete
        }
    }
}

/// What is there, and what the service would miss in the environment of whoever asks.
fn in_order(loaded: &Loaded) -> String {
    let config = &loaded.config;
    let count = |number: usize, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
    let mut out = format!(
        "{} is in order: {}, {}",
        loaded.path.display(),
        count(config.jobs.len(), "job"),
        count(config.notifications.len(), "notification")
    );
    for (name, notification) in &config.notifications {
        for path in notification.authorities().filter(|path| !path.is_file()) {
            out.push_str(&format!(
                "\nnote: there is no file {} here; without it `{name}` cannot tell whom to believe",
                path.display()
            ));
        }
        let url = notification.webhook.as_ref().and_then(|webhook| webhook.url_env.as_ref());
        let password = notification.smtp.as_ref().and_then(|smtp| smtp.password_env.as_ref());
        for variable in url.into_iter().chain(password) {
            if std::env::var_os(variable).is_none() {
                out.push_str(&format!(
                    "\nnote: {variable} is not set here; without it `{name}` can tell nobody. Where it is set, \
                     try `s3twin config notify {name}`"
                ));
            }
        }
    }
    out
}

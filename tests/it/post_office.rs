//! An SMTP server that takes mail, and notes every command with how it came.

use crate::wire::Wire;
use rustls::ServerConfig;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

/// What its users show: `ops` with `s3cret-word`, as AUTH PLAIN sends it.
const LOGIN: &str = "AG9wcwBzM2NyZXQtd29yZA==";

/// How it is set up.
#[derive(Clone, Default)]
pub(crate) struct PostOffice {
    /// Offers STARTTLS.
    pub(crate) starttls: Option<Arc<ServerConfig>>,
    /// Speaks TLS from the first byte.
    pub(crate) implicit: Option<Arc<ServerConfig>>,
    /// Takes mail only after a login.
    pub(crate) login: bool,
}

impl PostOffice {
    /// One connection to its end: what was said, `clear` or `secured` before each command.
    pub(crate) fn serve(&self, stream: TcpStream) -> Option<String> {
        let wire = Wire::Clear(stream);
        let wire = match &self.implicit {
            Some(config) => wire.secured(config)?,
            None => wire,
        };
        let mut visit = Visit { reader: BufReader::new(wire), taken: String::new(), known: !self.login };
        visit.say("220 sink")?;
        loop {
            let mut line = String::new();
            match visit.reader.read_line(&mut line) {
                Ok(length) if length > 0 => {}
                _ => return (!visit.taken.is_empty()).then_some(visit.taken),
            }
            let command = line.trim_end();
            let how = if visit.secured() { "secured" } else { "clear" };
            visit.taken.push_str(&format!("{how} {command}\n"));
            match command.split(' ').next().unwrap_or_default() {
                "EHLO" => visit.say(&self.greeting(visit.secured()))?,
                "STARTTLS" => visit = visit.turned(self.starttls.as_ref()?)?,
                "AUTH" => {
                    visit.known = command == format!("AUTH PLAIN {LOGIN}");
                    // As some servers do, it repeats what it did not like.
                    let refusal = format!("535 5.7.8 not good: {command}");
                    visit.say(if visit.known { "235 welcome" } else { &refusal })?;
                }
                "MAIL" if !visit.known => visit.say("530 5.7.0 who are you?")?,
                "DATA" => visit.mail()?,
                "QUIT" => {
                    visit.say("221 bye")?;
                    return Some(visit.taken);
                }
                _ => visit.say("250 yes")?,
            }
        }
    }

    fn greeting(&self, secured: bool) -> String {
        let starttls = (self.starttls.is_some() && !secured).then_some("250-STARTTLS\r\n");
        let login = self.login.then_some("250-AUTH PLAIN\r\n");
        format!("250-sink\r\n{}{}250 8BITMIME", starttls.unwrap_or_default(), login.unwrap_or_default())
    }
}

struct Visit {
    reader: BufReader<Wire>,
    taken: String,
    known: bool,
}

impl Visit {
    fn say(&mut self, words: &str) -> Option<()> {
        let wire = self.reader.get_mut();
        wire.write_all(format!("{words}\r\n").as_bytes()).and_then(|()| wire.flush()).ok()
    }

    fn secured(&self) -> bool {
        self.reader.get_ref().is_secured()
    }

    /// What was sent ahead in the clear is dropped with the reader.
    fn turned(mut self, config: &Arc<ServerConfig>) -> Option<Self> {
        self.say("220 go on")?;
        let wire = self.reader.into_inner().secured(config)?;
        Some(Self { reader: BufReader::new(wire), ..self })
    }

    fn mail(&mut self) -> Option<()> {
        self.say("354 go on")?;
        loop {
            let mut line = String::new();
            self.reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
            if line.trim_end() == "." {
                return self.say("250 taken");
            }
            self.taken.push_str(&line);
        }
    }
}

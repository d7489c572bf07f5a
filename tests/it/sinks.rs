//! Servers that take what the program sends, and a client that reads what it serves. Plain sockets: what is tested
//! shares nothing with them.

use crate::post_office::PostOffice;
use crate::wire::{Certificate, Wire};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// In the URL of every webhook: must never be seen.
pub(crate) const SECRET: &str = "T0AAAA-secret-of-a-hook";

const WAIT: Duration = Duration::from_secs(30);

/// Keeps every message it is sent.
pub(crate) struct Sink {
    scheme: &'static str,
    pub(crate) address: SocketAddr,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Sink {
    /// An HTTP server that answers each POST with the next of these statuses, the last one for ever.
    pub(crate) fn http(statuses: &'static [u16]) -> Self {
        Self::new("http", move |stream, nth| post(Wire::Clear(stream), statuses, nth))
    }

    /// The same behind TLS.
    pub(crate) fn https(statuses: &'static [u16], certificate: &Certificate) -> Self {
        let config = std::sync::Arc::clone(&certificate.config);
        Self::new("https", move |stream, nth| post(Wire::Clear(stream).secured(&config)?, statuses, nth))
    }

    /// An SMTP server; each message is all that was said in one connection.
    pub(crate) fn smtp(office: PostOffice) -> Self {
        Self::new("smtp", move |stream, _| office.serve(stream))
    }

    fn new(scheme: &'static str, take: impl Fn(TcpStream, usize) -> Option<String> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let taken = Arc::<Mutex<Vec<String>>>::default();
        let kept = Arc::clone(&taken);
        std::thread::spawn(move || {
            for (nth, stream) in listener.incoming().filter_map(Result::ok).enumerate() {
                if let Some(message) = take(stream, nth) {
                    kept.lock().expect("a lock").push(message);
                }
            }
        });
        Self { scheme, address, taken }
    }

    /// The URL of a webhook, with a secret in it.
    pub(crate) fn url(&self) -> String {
        format!("{}://localhost:{}/hook/{SECRET}", self.scheme, self.address.port())
    }

    /// As a mail server.
    pub(crate) fn server(&self) -> String {
        format!("localhost:{}", self.address.port())
    }

    /// The messages, once there are so many.
    #[track_caller]
    pub(crate) fn messages(&self, count: usize) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let taken = self.taken.lock().expect("a lock").clone();
            if taken.len() >= count {
                return taken;
            }
            assert!(begun.elapsed() < WAIT, "{} of {count} messages came: {taken:#?}", taken.len());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// Takes a POST; the answer repeats the path, as some servers do.
fn post(wire: Wire, statuses: &[u16], nth: usize) -> Option<String> {
    let mut reader = BufReader::new(wire);
    let (mut length, mut first) = (0, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        if first.is_empty() {
            first.clone_from(&line);
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let status = statuses.get(nth).or(statuses.last())?;
    let said = format!("cannot {}", first.trim());
    let to = if (300..400).contains(status) { "location: http://elsewhere.example/hook\r\n" } else { "" };
    let length = said.len();
    let answer =
        format!("HTTP/1.1 {status} x\r\n{to}content-length: {length}\r\nconnection: close\r\n\r\n{said}");
    let wire = reader.get_mut();
    wire.write_all(answer.as_bytes()).and_then(|()| wire.flush()).ok()?;
    (*status < 300).then(|| String::from_utf8_lossy(&body).into_owned())
}

/// One request; status and body.
pub(crate) fn request(method: &str, address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(WAIT)).expect("a timeout");
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, body.to_owned())
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < WAIT, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

//! Servers that take what the program sends, and a client that reads what it serves. Plain sockets: what is tested
//! shares nothing with them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const WAIT: Duration = Duration::from_secs(30);

/// Keeps every message it is sent.
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    taken: Arc<Mutex<Vec<String>>>,
}

impl Sink {
    /// An HTTP server that answers each POST with the next of these statuses, the last one for ever.
    pub(crate) fn http(statuses: &'static [u16]) -> Self {
        Self::new(move |stream, nth| {
            let mut reader = BufReader::new(stream.try_clone().ok()?);
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).ok()?;
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
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            (&stream).write_all(answer.as_bytes()).ok()?;
            (*status < 300).then(|| String::from_utf8_lossy(&body).into_owned())
        })
    }

    /// An SMTP server that takes every mail.
    pub(crate) fn smtp() -> Self {
        Self::new(|stream, _| {
            let mut reader = BufReader::new(stream.try_clone().ok()?);
            let say = |words: &str| (&stream).write_all(format!("{words}\r\n").as_bytes()).ok();
            say("220 sink")?;
            let mut taken = String::new();
            let mut inside = false;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).ok()? == 0 {
                    return (!taken.is_empty()).then_some(taken);
                }
                match (inside, line.trim_end()) {
                    (true, ".") => {
                        inside = false;
                        say("250 taken")?;
                    }
                    (true, _) => taken.push_str(&line),
                    (false, "DATA") => {
                        inside = true;
                        say("354 go on")?;
                    }
                    (false, "QUIT") => {
                        say("221 bye")?;
                        return Some(taken);
                    }
                    (false, command) => {
                        taken.push_str(command);
                        taken.push('\n');
                        say("250 yes")?;
                    }
                }
            }
        })
    }

    fn new(take: impl Fn(TcpStream, usize) -> Option<String> + Send + 'static) -> Self {
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
        Self { address, taken }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
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

//! The journal's bytes: a header, then frames.
//!
//! ```text
//! header  "S3TWINJ1" | u16 format | u16 n | n bytes run id | u32 CRC-32C of all before
//! frame   u32 length | u32 CRC-32C of length and payload | payload (JSON)
//! mark    a frame of length 0: "all before me was on disk when I was written"
//! ```
//! Integers are little-endian. The header's layout is the same in every format version.
//!
//! **Torn or corrupt?** After a crash the bytes since the last fsync may be there, missing or garbage, in any
//! mixture: a bad frame among them is a *torn tail*, and everything from it on was never promised to anyone.
//! A bad frame *before a mark* had reached the disk and has changed since: that is corruption, and told. The
//! eight bytes of a mark begin with four zeros, and JSON holds no zero byte, so a plain search finds marks
//! even where the framing is lost.
//!
//! Bounds: one record ([`MAX_RECORD`]) in memory, whatever the file says its length is.

use super::JournalError;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// The newest format this program reads and the one it writes.
pub const FORMAT_VERSION: u16 = 1;
/// The largest payload: a job with a generous filter list fits, a wrong length is not believed.
pub const MAX_RECORD: usize = 16 << 20;
/// Bytes before a payload.
pub(super) const FRAME_HEAD: usize = 8;

const MAGIC: &[u8; 8] = b"S3TWINJ1";
const MAX_RUN_ID: usize = 256;
/// Bytes searched at a time for marks behind a bad frame.
const SEARCH: usize = 64 << 10;

/// What a journal begins with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Format version.
    pub format: u16,
    /// The run it belongs to.
    pub run_id: String,
}

/// How the file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// Exactly after a whole frame: `at` is the file's length.
    Clean {
        /// Bytes of the file.
        at: u64,
    },
    /// In the middle of what was being written: the good part ends at `at`.
    Torn {
        /// Bytes that are good.
        at: u64,
    },
}

impl Tail {
    /// Bytes that are good; a writer goes on from there.
    #[must_use]
    pub fn good(self) -> u64 {
        match self {
            Self::Clean { at } | Self::Torn { at } => at,
        }
    }
}

impl Header {
    /// The bytes of the header.
    ///
    /// # Errors
    /// [`JournalError::Refused`] when the run id is longer than 256 bytes.
    pub(super) fn encode(&self) -> Result<Vec<u8>, JournalError> {
        let length = u16::try_from(self.run_id.len()).ok().filter(|n| usize::from(*n) <= MAX_RUN_ID);
        let length =
            length.ok_or_else(|| JournalError::Refused { what: "the run id is too long".to_owned() })?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend(self.format.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(self.run_id.as_bytes());
        bytes.extend(crc32c::crc32c(&bytes).to_le_bytes());
        Ok(bytes)
    }

    /// Reads the header; also tells how many bytes it has.
    fn read(input: &mut impl Read, path: &Path) -> Result<(Self, u64), JournalError> {
        let damaged = |what| JournalError::Header { path: path.to_path_buf(), what };
        let mut bytes = Vec::with_capacity(64);
        let mut more = |bytes: &mut Vec<u8>, n: usize| match input.take(n as u64).read_to_end(bytes) {
            Ok(got) if got == n => Ok(()),
            Ok(_) => Err(JournalError::Unborn { path: path.to_path_buf() }),
            Err(error) => Err(JournalError::io("read", path)(error)),
        };
        let started = more(&mut bytes, 12);
        if !MAGIC.starts_with(bytes.get(..8).unwrap_or(&bytes)) {
            return Err(JournalError::NotAJournal { path: path.to_path_buf() });
        }
        started?;
        let (format, length) = match bytes.get(8..12) {
            Some(&[a, b, c, d]) => (u16::from_le_bytes([a, b]), usize::from(u16::from_le_bytes([c, d]))),
            _ => return Err(damaged("it is too short")),
        };
        if length > MAX_RUN_ID {
            return Err(damaged("the run id is too long"));
        }
        more(&mut bytes, length)?;
        let crc = crc32c::crc32c(&bytes);
        let run_id = String::from_utf8(bytes.get(12..).unwrap_or_default().to_vec());
        let mut stored = Vec::with_capacity(4);
        more(&mut stored, 4)?;
        if stored != crc.to_le_bytes() {
            return Err(damaged("its checksum is wrong"));
        }
        if format > FORMAT_VERSION {
            return Err(JournalError::Newer { path: path.to_path_buf(), found: format });
        }
        if format == 0 {
            return Err(damaged("there is no format 0"));
        }
        let run_id = run_id.map_err(|_| damaged("the run id is not text"))?;
        Ok((Self { format, run_id }, 16 + length as u64))
    }
}

/// Fills in length and checksum of a frame whose first [`FRAME_HEAD`] bytes were left free for them.
///
/// # Errors
/// [`JournalError::TooLarge`] beyond [`MAX_RECORD`], [`JournalError::Refused`] when there is no payload.
pub(super) fn seal(mut frame: Vec<u8>) -> Result<Vec<u8>, JournalError> {
    let Some((head, payload)) = frame.split_first_chunk_mut::<FRAME_HEAD>().filter(|(_, p)| !p.is_empty())
    else {
        return Err(JournalError::Refused { what: "an empty record".to_owned() });
    };
    let length = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= MAX_RECORD);
    let length = length.ok_or(JournalError::TooLarge { size: payload.len() })?.to_le_bytes();
    *head = join(length, frame_crc(length, payload));
    Ok(frame)
}

/// The mark: see the head of this file.
pub(super) fn mark() -> [u8; FRAME_HEAD] {
    join([0; 4], frame_crc([0; 4], &[]))
}

fn join([a, b, c, d]: [u8; 4], crc: u32) -> [u8; FRAME_HEAD] {
    let [e, f, g, h] = crc.to_le_bytes();
    [a, b, c, d, e, f, g, h]
}

fn frame_crc(length: [u8; 4], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&length), payload)
}

/// Reads the frames of a journal one by one.
#[derive(Debug)]
pub struct Frames<R> {
    input: R,
    path: PathBuf,
    header: Header,
    at: u64,
    tail: Option<Tail>,
    failed: Option<JournalError>,
    payload: Vec<u8>,
}

impl<R: Read + Seek> Frames<R> {
    /// Reads the header. `path` is for messages only.
    ///
    /// # Errors
    /// When the file cannot be read, is no journal, is damaged within its header, or is of a newer format.
    pub fn new(mut input: R, path: &Path) -> Result<Self, JournalError> {
        let (header, at) = Header::read(&mut input, path)?;
        Ok(Self {
            input,
            path: path.to_path_buf(),
            header,
            at,
            tail: None,
            failed: None,
            payload: Vec::new(),
        })
    }

    /// What the journal begins with.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// How the file ended; known once [`Frames::next_payload`] has answered `None`.
    #[must_use]
    pub fn tail(&self) -> Option<Tail> {
        self.tail
    }

    /// The next payload and where its frame begins; `None` at the end, torn or not.
    ///
    /// # Errors
    /// [`JournalError::Corrupt`] for a bad frame that had reached the disk, [`JournalError::Io`]. Neither can
    /// be read past: every later call answers the same.
    pub fn next_payload(&mut self) -> Result<Option<(u64, &[u8])>, JournalError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        match self.advance() {
            Ok(Some(at)) => Ok(Some((at, &self.payload))),
            Ok(None) => Ok(None),
            Err(error) => {
                self.failed = Some(error.clone());
                Err(error)
            }
        }
    }

    /// Moves to the next frame with a payload and answers where it begins.
    fn advance(&mut self) -> Result<Option<u64>, JournalError> {
        while self.tail.is_none() {
            let at = self.at;
            match self.read_frame()? {
                Some(0) => {}
                Some(_) => return Ok(Some(at)),
                None => self.judge(at)?,
            }
        }
        Ok(None)
    }

    /// Reads one frame into `payload` and answers its length; `None` when it is not a good one.
    fn read_frame(&mut self) -> Result<Option<usize>, JournalError> {
        let head = self.read_up_to(FRAME_HEAD)?;
        let &[a, b, c, d, e, f, g, h] = head else { return Ok(None) };
        let (length, crc) = ([a, b, c, d], u32::from_le_bytes([e, f, g, h]));
        let Some(wanted) = usize::try_from(u32::from_le_bytes(length)).ok().filter(|n| *n <= MAX_RECORD)
        else {
            return Ok(None);
        };
        let payload = self.read_up_to(wanted)?;
        if payload.len() < wanted || crc != frame_crc(length, payload) {
            return Ok(None);
        }
        self.at += (FRAME_HEAD + wanted) as u64;
        Ok(Some(wanted))
    }

    /// Reads `n` bytes, or fewer at the end. The buffer grows as bytes arrive, not as `n` claims.
    fn read_up_to(&mut self, n: usize) -> Result<&[u8], JournalError> {
        self.payload.clear();
        let read = (&mut self.input).take(n as u64).read_to_end(&mut self.payload);
        read.map_err(JournalError::io("read", &self.path))?;
        Ok(&self.payload)
    }

    /// There is no good frame at `at`: the end, a torn tail, or corruption when a mark follows.
    fn judge(&mut self, at: u64) -> Result<(), JournalError> {
        self.input.seek(SeekFrom::Start(at)).map_err(JournalError::io("read", &self.path))?;
        let finder = memchr::memmem::Finder::new(&mark()).into_owned();
        let mut window: Vec<u8> = Vec::with_capacity(SEARCH + FRAME_HEAD);
        let mut seen = 0_u64;
        loop {
            let read = (&mut self.input).take(SEARCH as u64).read_to_end(&mut window);
            let got = match read {
                Ok(got) => got as u64,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(JournalError::io("read", &self.path)(error)),
            };
            seen += got;
            if finder.find(&window).is_some() {
                let what = "a record that was safely on disk fails its checksum";
                return Err(JournalError::Corrupt { path: self.path.clone(), at, what });
            }
            if got == 0 {
                self.tail = Some(if seen == 0 { Tail::Clean { at } } else { Tail::Torn { at } });
                return Ok(());
            }
            // A mark may lie across two windows.
            window.drain(..window.len().saturating_sub(FRAME_HEAD - 1));
        }
    }
}

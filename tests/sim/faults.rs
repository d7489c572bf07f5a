//! What goes wrong with a request. Decided by the seed, by which request it is and by how often it was sent
//! before, never by how requests interleave: so a seed fails again as it failed before.

use s3twin_engine::s3::Operation;
use std::collections::BTreeMap;

/// One way to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// 503.
    Throttled,
    /// 500, nothing done.
    Internal,
    /// The connection is reset, nothing done.
    ResetBefore,
    /// It took effect, the answer is lost.
    Lost,
    /// 409, nothing done.
    Conflict,
    /// The bytes sent were damaged on the way; the server noticed.
    BadDigest,
    /// Half a minute passes first.
    Stall,
    /// The body ends early, with or without an error.
    Truncated,
    /// A bit of the body is turned over.
    Flipped,
    /// The announced length is not that of the body.
    WrongLength,
    /// A page with fewer rows than there is room for.
    ShortPage,
    /// Credentials have expired, for this and all that follows.
    Expired,
}

/// How bad a seed is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Weather {
    pub(crate) seed: u64,
    /// Share of first tries that fail, in percent.
    pub(crate) percent: u64,
    /// Bodies may arrive with other bytes.
    pub(crate) flips: bool,
    /// From this request on credentials have expired.
    pub(crate) expires_at: Option<u64>,
}

/// Draws, and remembers how often a request was sent.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) weather: Weather,
    pub(crate) tries: BTreeMap<(Operation, String), u64>,
    /// How often each was injected.
    pub(crate) injected: BTreeMap<Fault, u64>,
}

pub(crate) fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

pub(crate) fn hash(seed: u64, text: &str) -> u64 {
    text.bytes().fold(mix(seed ^ 0x9e37), |sum, byte| mix(sum ^ u64::from(byte)))
}

/// What may happen to an operation, besides what may happen to all.
fn own(operation: Operation) -> &'static [Fault] {
    use Operation as O;
    match operation {
        O::GetObject => &[Fault::Truncated, Fault::Truncated, Fault::WrongLength, Fault::Flipped],
        O::ListObjectsV2 | O::ListObjectVersions => &[Fault::ShortPage, Fault::ShortPage],
        O::PutObject | O::UploadPart => &[Fault::Lost, Fault::Lost, Fault::BadDigest],
        O::CopyObject | O::CompleteMultipartUpload => &[Fault::Lost, Fault::Lost, Fault::Conflict],
        O::CreateMultipartUpload | O::AbortMultipartUpload | O::UploadPartCopy | O::DeleteObjects => {
            &[Fault::Lost, Fault::Lost]
        }
        _ => &[],
    }
}

const ALL: [Fault; 4] = [Fault::Throttled, Fault::Internal, Fault::ResetBefore, Fault::Stall];

impl Faults {
    /// Another process: requests are counted from the first again.
    pub(crate) fn restart(&mut self) {
        self.tries.clear();
    }

    /// The fault of this try, and a number to shape it by.
    pub(crate) fn draw(
        &mut self,
        operation: Operation,
        what: &str,
        number: u64,
        epoch: u64,
    ) -> (Option<Fault>, u64) {
        let tries = self.tries.entry((operation, what.to_owned())).or_default();
        let nth = *tries;
        *tries += 1;
        let chance = hash(self.weather.seed ^ mix(nth + 1000 * epoch) ^ mix(operation as u64 + 77), what);
        let fault = self.choose(operation, nth, number, chance);
        if let Some(fault) = fault {
            *self.injected.entry(fault).or_default() += 1;
        }
        (fault, mix(chance ^ 5))
    }

    fn choose(&self, operation: Operation, nth: u64, number: u64, chance: u64) -> Option<Fault> {
        if self.weather.expires_at.is_some_and(|from| number >= from) {
            return Some(Fault::Expired);
        }
        if chance % 100 >= self.weather.percent {
            return None;
        }
        let own = own(operation);
        let place = usize::try_from(mix(chance ^ 9) % (ALL.len() + own.len()) as u64).expect("small");
        let fault = ALL.get(place).or_else(|| own.get(place - ALL.len())).copied()?;
        // A network that never gets better is no test of anything but giving up.
        let most = match fault {
            // Each write is tried four times: once in a batch, then alone, and either way the key may fail by itself,
            // which `DeleteObject` stands for. So each of the three happens once.
            Fault::ResetBefore | Fault::Lost if operation == Operation::DeleteObjects => 1,
            Fault::Internal if operation == Operation::DeleteObject => 1,
            Fault::Flipped if !self.weather.flips => 0,
            Fault::Flipped => 1,
            _ => 3,
        };
        (nth < most).then_some(fault)
    }
}

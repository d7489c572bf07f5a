//! Where a seed begins: two buckets with a past, and what else happens while a run works on them.

use crate::faults::{Faults, Weather};
use crate::model::{Author, Bucket, Content, Model};
use crate::wire::{Deed, World};
use bytes::Bytes;
use fastrand::Rng;
use s3twin_engine::s3::{Metadata, Versioning};

pub(crate) const SOURCE: &str = "src";
pub(crate) const REPLICA: &str = "dst";
/// Below which prefix of its bucket each side lies.
pub(crate) const INSIDE: [(&str, &str); 2] = [(SOURCE, "in/"), (REPLICA, "out/")];

/// Kinds of seeds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wishes {
    /// Objects may be encrypted, or stored without a checksum, so that not all can be proved.
    pub(crate) opaque: bool,
    /// The replica, too, keeps versions.
    pub(crate) replica: Versioning,
    /// The source's versioning was suspended for a while.
    pub(crate) suspended: bool,
    /// Others write during the run.
    pub(crate) writers: bool,
    /// Faults, in percent of first tries.
    pub(crate) faults: u64,
    /// Bodies may be damaged on the way.
    pub(crate) flips: bool,
}

fn key(rng: &mut Rng) -> String {
    const PIECES: [&str; 16] =
        ["a", "b", "ab", "/", "a/", "0", "1", "2", "7f", "é", "日", "~", " ", "z", "logs/2026/", "x\n"];
    (0..rng.usize(1..5)).map(|_| PIECES[rng.usize(..PIECES.len())]).collect()
}

fn content(rng: &mut Rng, opaque: bool) -> Content {
    let size = match rng.u8(..10) {
        0 => 0,
        1..=6 => rng.usize(1..40),
        _ => rng.usize(40..200),
    };
    let body: Vec<u8> = (0..size).map(|_| rng.u8(..4)).collect();
    let mut parts = Vec::new();
    if size > 1 && rng.u8(..4) == 0 {
        let part = rng.usize(1.max(size / 6)..size);
        parts = vec![part; size / part];
        parts.extend(Some(size % part).filter(|rest| *rest > 0));
        if rng.bool() {
            parts.reverse();
        }
    }
    let user = rng.bool().then(|| ("n".to_owned(), rng.u8(..).to_string()));
    Content {
        body: Bytes::from(body),
        parts,
        kms: opaque && rng.u8(..3) == 0,
        checksum: !opaque || rng.bool(),
        metadata: Metadata { user: user.into_iter().collect(), ..Metadata::default() },
        tags: (0..rng.usize(..2)).map(|n| (n.to_string(), "t".to_owned())).collect(),
    }
}

/// The same object as its twin would be: equal bytes, not always equally stored.
fn twin(rng: &mut Rng, original: &Content, opaque: bool) -> Content {
    let mut twin = original.clone();
    if opaque && rng.u8(..3) == 0 {
        twin.parts.clear();
        twin.checksum = rng.bool();
    }
    twin.kms = opaque && rng.u8(..4) == 0;
    twin
}

/// Other bytes, sometimes of the same size.
fn other(rng: &mut Rng, original: &Content) -> Content {
    let mut bytes = original.body.to_vec();
    if bytes.is_empty() || rng.bool() {
        bytes.push(9);
    } else {
        let place = rng.usize(..bytes.len());
        bytes[place] ^= 0x40;
    }
    Content { body: bytes.into(), parts: Vec::new(), ..original.clone() }
}

/// The world of a seed.
pub(crate) fn begin(seed: u64, rng: &mut Rng, wishes: Wishes) -> World {
    let mut model = Model { now: 1_700_000_000, ..Model::default() };
    let kms = wishes.opaque && rng.u8(..5) == 0;
    for (name, versioning, kms) in [(SOURCE, Versioning::Enabled, false), (REPLICA, wishes.replica, kms)] {
        model.buckets.insert(name.to_owned(), Bucket { versioning, kms, ..Bucket::default() });
    }
    let most = if rng.u8(..8) == 0 { 60 } else { 18 };
    let mut keys: Vec<String> = (0..rng.usize(2..most)).map(|_| key(rng)).collect();
    keys.sort();
    keys.dedup();
    fill(&mut model, rng, &keys, wishes);
    let page = rng.usize(2..9);
    let deeds = if wishes.writers { deeds(rng, &keys, wishes) } else { Vec::new() };
    let weather = Weather { seed, percent: wishes.faults, flips: wishes.flips, expires_at: None };
    let faults = Faults { weather, ..Faults::default() };
    World {
        model,
        faults,
        deeds,
        stood: Vec::new(),
        cut: None,
        page,
        number: 0,
        epoch: 0,
        dead: false,
        written: Vec::new(),
        sins: Vec::new(),
    }
}

fn fill(model: &mut Model, rng: &mut Rng, keys: &[String], wishes: Wishes) {
    for (bucket, prefix) in INSIDE {
        // What lies beside the prefix is nobody's business.
        model.put(bucket, &format!("{prefix}!").replace('/', "-"), content(rng, false), Author::History);
        model.put(bucket, "zzz/outside", content(rng, false), Author::History);
    }
    for _ in 0..keys.len() * 2 {
        model.now += rng.i64(0..3);
        if wishes.suspended && rng.u8(..6) == 0 {
            let source = model.buckets.get_mut(SOURCE).expect("there");
            source.versioning = match source.versioning {
                Versioning::Enabled => Versioning::Suspended,
                _ => Versioning::Enabled,
            };
        }
        let relative = &keys[rng.usize(..keys.len())];
        let (from, to) = (format!("in/{relative}"), format!("out/{relative}"));
        let made = content(rng, wishes.opaque);
        match rng.u8(..10) {
            0 => drop(model.delete(SOURCE, &from, Author::History)),
            1 => drop(model.put(REPLICA, &to, made, Author::History)),
            2 if wishes.replica != Versioning::Off => drop(model.delete(REPLICA, &to, Author::History)),
            3 | 4 => drop(model.put(SOURCE, &from, made, Author::History)),
            5 => {
                let differs = other(rng, &made);
                model.put(SOURCE, &from, made, Author::History);
                model.put(REPLICA, &to, differs, Author::History);
            }
            _ => {
                let same = twin(rng, &made, wishes.opaque);
                model.put(SOURCE, &from, made, Author::History);
                model.put(REPLICA, &to, same, Author::History);
            }
        }
    }
    model.buckets.get_mut(SOURCE).expect("there").versioning = Versioning::Enabled;
    model.now += rng.i64(0..5);
}

fn deeds(rng: &mut Rng, keys: &[String], wishes: Wishes) -> Vec<Deed> {
    let of = |rng: &mut Rng| {
        let (bucket, prefix) = INSIDE[rng.usize(..2)];
        let known = &keys[rng.usize(..keys.len())];
        let relative = if rng.u8(..4) == 0 { key(rng) } else { known.clone() };
        let content = (rng.u8(..4) > 0).then(|| content(rng, wishes.opaque));
        Deed { before: rng.u64(1..120), bucket, key: format!("{prefix}{relative}"), content }
    };
    (0..rng.usize(1..6)).map(|_| of(rng)).collect()
}

//! Scouting: where a flat, unknown keyspace goes on.
//!
//! A full page says nothing about what lies beyond it. For the last key `k/0000000999`, one request with
//! `start-after=k/00001&max-keys=1` tells whether any key leaves the subtree `k/0000…`, and which is the
//! first. Emptiness is monotone in the length of the subtree's prefix, so a search over that length finds
//! the widest subtree that is left, in a few requests of one key each, and the keys they bring teach the atlas
//! the characters at every scale on the way.

use super::{Atlas, Side};
use crate::s3::{Answer, ListObjects, ListVersions};
use futures::future::try_join_all;
use std::sync::{Mutex, PoisonError};

use super::Listing;

/// Probes per round. With four, ten positions need two rounds and a thousand five.
const PROBES_PER_ROUND: usize = 4;

/// How far to look where a position's alphabet is wide: within a script, a block, a plane, and beyond.
const LEAPS: [u32; PROBES_PER_ROUND] = [16, 256, 4096, 65_536];

/// Searches beyond the page `first..=last` of a side. Every key found is shown to the atlas.
///
/// # Errors
/// When a probe fails for good.
pub(super) async fn scout(
    side: &Side,
    listing: Listing,
    (first, last): (&str, &str),
    upto: Option<&str>,
    atlas: &Mutex<Atlas>,
) -> Answer<u32> {
    let chars: Vec<char> = last.chars().collect();
    let varies = first.chars().zip(last.chars()).take_while(|(a, b)| a == b).count();
    let shared = upto.map_or(0, |upto| upto.chars().zip(last.chars()).take_while(|(a, b)| a == b).count());
    // Prefix lengths whose subtree may be left behind: `occupied` is known to be left, `empty` is not.
    let (mut empty, mut occupied) = (shared, varies + 1);
    let mut probes = 0;
    if occupied <= empty + 1 {
        // The page itself varies at the widest position: what is unknown is how far its characters reach.
        let found =
            try_join_all(LEAPS.map(|leap| probe(side, listing, leap_from(&chars, empty, leap)))).await?;
        found.iter().flatten().for_each(|key| observe(atlas, key));
        return Ok(u32::try_from(LEAPS.len()).unwrap_or(u32::MAX));
    }
    while occupied > empty + 1 {
        let lengths = spread(empty, occupied);
        let found =
            try_join_all(lengths.iter().map(|length| probe(side, listing, successor(&chars, *length))))
                .await?;
        probes += u32::try_from(found.len()).unwrap_or(u32::MAX);
        for (length, key) in lengths.iter().zip(found) {
            let inside = key.filter(|key| upto.is_none_or(|upto| key.as_str() <= upto));
            match inside {
                Some(key) => {
                    observe(atlas, &key);
                    occupied = occupied.min(*length);
                }
                None => empty = empty.max(*length),
            }
        }
        if empty >= occupied {
            // Keys came or went between two probes; what was learned is still good.
            return Ok(probes);
        }
    }
    Ok(probes)
}

/// Up to four lengths strictly between two.
fn spread(empty: usize, occupied: usize) -> Vec<usize> {
    let gap = occupied - empty;
    let mut lengths: Vec<usize> =
        (1..=PROBES_PER_ROUND).map(|n| empty + n * gap / (PROBES_PER_ROUND + 1)).collect();
    lengths.retain(|length| *length > empty && *length < occupied);
    lengths.dedup();
    if lengths.is_empty() { vec![empty + 1] } else { lengths }
}

fn observe(atlas: &Mutex<Atlas>, key: &str) {
    atlas.lock().unwrap_or_else(PoisonError::into_inner).observe(key);
}

/// The first key beyond another.
async fn probe(side: &Side, listing: Listing, after: Option<String>) -> Answer<Option<String>> {
    let Some(after) = after else { return Ok(None) };
    let (bucket, prefix) = (side.bucket().to_owned(), side.location.prefix.to_string());
    let after = side.location.key(&after);
    let page = match listing {
        Listing::Objects => {
            let request =
                ListObjects { bucket, prefix, start_after: after, max_keys: 1, continuation_token: None };
            side.store.list_objects(&request).await?
        }
        Listing::Versions => {
            let request =
                ListVersions { bucket, prefix, key_marker: after, version_id_marker: None, max_keys: 1 };
            side.store.list_versions(&request).await?
        }
    };
    let strip = side.location.prefix.len();
    Ok(page.get(0).and_then(|entry| entry.key.get(strip..).map(str::to_owned)))
}

/// The key so many characters further on at one position.
fn leap_from(chars: &[char], position: usize, leap: u32) -> Option<String> {
    let mut prefix: String = chars.iter().take(position).collect();
    let from = *chars.get(position)? as u32;
    prefix.push((from + leap..=char::MAX as u32).find_map(char::from_u32)?);
    Some(prefix)
}

/// A key above everything that starts with these characters: the last one raised by one. As a probe it may
/// step over exactly that key, which costs nothing.
fn successor(chars: &[char], length: usize) -> Option<String> {
    let mut prefix: String = chars.iter().take(length.checked_sub(1)?).collect();
    let last = *chars.get(length - 1)?;
    let next = (last as u32 + 1..=char::MAX as u32).find_map(char::from_u32)?;
    prefix.push(next);
    Some(prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_small_and_end() {
        for occupied in 1..1100 {
            for empty in [0, occupied / 2] {
                if occupied > empty + 1 {
                    let lengths = spread(empty, occupied);
                    assert!(!lengths.is_empty() && lengths.len() <= PROBES_PER_ROUND);
                    assert!(lengths.iter().all(|length| *length > empty && *length < occupied));
                }
            }
        }
    }

    #[test]
    fn successors_leave_the_subtree() {
        let chars: Vec<char> = "k/9\u{d7ff}".chars().collect();
        assert_eq!(successor(&chars, 3).unwrap(), "k/:");
        assert_eq!(successor(&chars, 4).unwrap(), "k/9\u{e000}");
        assert_eq!(successor(&chars, 0), None);
    }
}

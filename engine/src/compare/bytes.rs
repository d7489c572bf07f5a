//! L5: the bytes of both sides, held against each other. Nothing is hashed: equal is equal.

use super::reading::{Pinned, Reading, both};
use crate::s3::Answer;
use bytes::Bytes;
use futures::{StreamExt as _, pin_mut};

/// Offset of the first byte in which two objects of one size differ; `None` if there is none. A difference is
/// read a second time before it is believed: the network may have turned a bit over.
pub(super) async fn first_difference(a: &Pinned, b: &Pinned, reading: &Reading) -> Answer<Option<u64>> {
    let chunks = both(a, b, reading);
    pin_mut!(chunks);
    while let Some(chunk) = chunks.next().await {
        let (first, x, y) = chunk?;
        if compare(&x.frames, &y.frames).is_none() {
            continue;
        }
        let length = x.frames.iter().map(|frame| frame.len() as u64).sum();
        let (x, y) = futures::join!(a.read(first, length, reading), b.read(first, length, reading));
        if let Some(offset) = compare(&x?, &y?) {
            return Ok(Some(first + offset));
        }
    }
    Ok(None)
}

/// The first offset at which two lists of frames differ, however they are cut.
fn compare(a: &[Bytes], b: &[Bytes]) -> Option<u64> {
    let (mut a, mut b) = (a.iter(), b.iter());
    let (mut x, mut y): (&[u8], &[u8]) = (&[], &[]);
    let mut offset = 0;
    loop {
        while x.is_empty()
            && let Some(next) = a.next()
        {
            x = next;
        }
        while y.is_empty()
            && let Some(next) = b.next()
        {
            y = next;
        }
        let length = x.len().min(y.len());
        if length == 0 {
            return (x.len() != y.len()).then_some(offset);
        }
        let ((p, rest_x), (q, rest_y)) = (x.split_at(length), y.split_at(length));
        if p != q {
            let place = p.iter().zip(q).position(|(p, q)| p != q).unwrap_or_default();
            return Some(offset + place as u64);
        }
        offset += length as u64;
        (x, y) = (rest_x, rest_y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_they_are_cut() {
        let cut =
            |bytes: &[u8], size: usize| bytes.chunks(size).map(Bytes::copy_from_slice).collect::<Vec<_>>();
        let whole: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for (m, n) in [(1, 1000), (7, 13), (1000, 1000), (999, 2)] {
            assert_eq!(compare(&cut(&whole, m), &cut(&whole, n)), None);
            for place in [0, 1, 499, 999] {
                let mut other = whole.clone();
                other[place] ^= 1;
                assert_eq!(compare(&cut(&whole, m), &cut(&other, n)), Some(place as u64));
            }
            assert_eq!(compare(&cut(&whole, m), &cut(&whole[..990], n)), Some(990));
        }
        assert_eq!(compare(&[], &[]), None);
    }
}

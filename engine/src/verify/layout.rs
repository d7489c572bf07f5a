//! How an object was cut into parts, and guesses at it from the size and the number of parts.
//!
//! A listing tells both (`…-N` in the ETag), not the part size. But writers have habits, and for a given
//! size and count only a narrow interval of part sizes is possible.

const MIB: u64 = 1 << 20;
const MB: u64 = 1_000_000;

/// The largest part S3 takes.
const MAX_PART: u64 = 5 << 30;

/// Guesses returned at most.
pub const MAX_CANDIDATES: usize = 16;

/// A way to cut an object into parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// All parts of this many bytes, the last one of what is left.
    Uniform(u64),
    /// Exactly these lengths in bytes.
    Parts(Vec<u64>),
}

impl Layout {
    /// Whether the layout can describe an object of `total` bytes.
    #[must_use]
    pub fn fits(&self, total: u64) -> bool {
        match self {
            Self::Uniform(part) => *part > 0,
            Self::Parts(parts) => {
                let sum = parts.iter().try_fold(0u64, |sum, part| sum.checked_add(*part));
                !parts.is_empty() && sum == Some(total)
            }
        }
    }

    /// The length of part `index` (from 0) of an object of `total` bytes; `None` past the last part.
    /// An empty object has one empty part.
    #[must_use]
    pub fn part(&self, index: usize, total: u64) -> Option<u64> {
        match self {
            Self::Uniform(part) => {
                let start = part.checked_mul(index as u64)?;
                (index == 0 || start < total).then(|| (total - start).min(*part))
            }
            Self::Parts(parts) => parts.get(index).copied(),
        }
    }
}

/// Part sizes in bytes with which an object of `size` bytes has exactly `parts` parts, most likely
/// first, at most [`MAX_CANDIDATES`]. Empty if no legal part size gives that count.
#[must_use]
pub fn candidate_layouts(size: u64, parts: u32) -> Vec<u64> {
    let count = u64::from(parts);
    if parts == 0 || size.div_ceil(count) > MAX_PART || (size == 0 && parts > 1) {
        return Vec::new();
    }
    if parts == 1 {
        // Every part size that holds the whole object gives the same ETag.
        return vec![size.max(1)];
    }
    let exact = size.div_ceil(count);
    let mut found: Vec<u64> = Vec::with_capacity(MAX_CANDIDATES);
    for part in habits().chain(derived(size, exact)) {
        let plausible = part > 0 && part <= MAX_PART && size.div_ceil(part) == count;
        if plausible && !found.contains(&part) {
            found.push(part);
        }
        if found.len() == MAX_CANDIDATES {
            break;
        }
    }
    found
}

/// Part sizes that writers use whatever the object, commonest first.
fn habits() -> impl Iterator<Item = u64> {
    // 8: AWS CLI, boto3, Rust transfer manager. 5: rclone, Go and Java managers. 16: mc, console.
    let binary = [8, 5, 16, 10, 64, 100, 128, 32, 50, 15, 25, 20, 6, 256, 500, 512, 1024, 200, 250];
    // The same writers double their part until 10,000 parts suffice.
    let doubled = [8, 5].into_iter().flat_map(|start| (1..10).map(move |power| start << power));
    let decimal = [8, 5, 10, 16, 100, 50, 25, 20, 64, 32, 128, 15, 6, 256, 500, 512, 200, 250, 1000];
    let mib = |part: u64| part * MIB;
    binary.into_iter().chain(doubled).map(mib).chain(decimal.into_iter().map(|part| part * MB))
}

/// Part sizes that writers derive from the object: just enough for the count, rounded up to a round
/// number, or just enough for 10,000 parts.
fn derived(size: u64, exact: u64) -> impl Iterator<Item = u64> {
    let least = size.div_ceil(10_000);
    let round = [MIB, 16 * MIB, 5 * MIB, 8 * MIB, 64 * MIB, MB, 1024, 4096];
    let of = move |base: u64| round.into_iter().map(move |unit| base.div_ceil(unit) * unit);
    of(least).chain([size / 10_000 + 1, least]).chain(of(exact)).chain([exact])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn common_writers_come_first() {
        assert_eq!(candidate_layouts(100 * MIB, 13).first(), Some(&(8 * MIB)));
        assert_eq!(candidate_layouts(100 * MIB, 20).first(), Some(&(5 * MIB)));
        assert_eq!(candidate_layouts(15 * MIB, 3).first(), Some(&(5 * MIB)));
        // The CLI doubles 8 MiB to 16 MiB for what would be more than 10,000 parts.
        assert_eq!(candidate_layouts(100 << 30, 6400).first(), Some(&(16 * MIB)));
        assert!(candidate_layouts(95_000_000, 10).contains(&10_000_000));
        // rclone rounds size / 10,000 up to a MiB.
        assert!(candidate_layouts(5 << 40, 9987).contains(&(525 * MIB)));
    }

    #[test]
    fn the_edges() {
        assert_eq!(candidate_layouts(0, 1), [1]);
        assert_eq!(candidate_layouts(77, 1), [77]);
        assert!(candidate_layouts(77, 0).is_empty());
        assert!(candidate_layouts(0, 2).is_empty());
        assert!(candidate_layouts(u64::MAX, 3).is_empty());
        assert!(!candidate_layouts(3, 3).is_empty());
    }

    #[test]
    fn uniform_parts() {
        let of = |part, total| (0..).map_while(|i| Layout::Uniform(part).part(i, total)).collect::<Vec<_>>();
        assert_eq!(of(4, 10), [4, 4, 2]);
        assert_eq!(of(5, 10), [5, 5]);
        assert_eq!(of(5, 0), [0]);
        assert!(!Layout::Uniform(0).fits(1) && !Layout::Parts(vec![]).fits(0));
        assert!(Layout::Parts(vec![3, 0]).fits(3) && !Layout::Parts(vec![3, u64::MAX]).fits(2));
    }

    proptest! {
        #[test]
        fn every_guess_gives_the_count(size in 1u64..1 << 42, parts in 1u32..10_001) {
            let guesses = candidate_layouts(size, parts);
            prop_assert!(guesses.len() <= MAX_CANDIDATES);
            for guess in guesses {
                prop_assert_eq!(size.div_ceil(guess), u64::from(parts));
            }
        }
    }
}

//! Where to cut an object: like its source, so that the ETags stay comparable, or evenly within the limits.

use super::options::CopyLimits;
use super::{Failure, Job};
use crate::model::Checksum;
use crate::s3::{HeadObject, Kind, ObjectInfo};
use futures::{StreamExt as _, TryStreamExt as _};

/// Layouts that only a HEAD per part can tell are not asked for beyond so many parts.
const HEADS_AT_MOST: u32 = 1_000;
/// HEADs of parts at once.
const HEADS_IN_FLIGHT: usize = 16;

/// One part to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// 1 to 10,000, without gaps. Gaps in the source's numbers do not show in its ETag.
    pub(super) number: u32,
    /// First byte.
    pub(super) first: u64,
    /// Bytes.
    pub(super) size: u64,
}

/// How an object is cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// In order, without gaps; an empty object has one empty part.
    pub(super) parts: Vec<Part>,
    /// The source is cut the same way.
    pub(super) like_source: bool,
}

impl Layout {
    fn of(sizes: impl IntoIterator<Item = u64>, like_source: bool) -> Self {
        let mut first = 0;
        let cut = (1..).zip(sizes).map(|(number, size)| {
            let part = Part { number, first, size };
            first += size;
            part
        });
        Self { parts: cut.collect(), like_source }
    }

    /// Equal parts of about `wished` bytes, larger where the limits ask for it.
    pub(super) fn even(size: u64, wished: u64, limits: &CopyLimits) -> Result<Self, Failure> {
        const MIB: u64 = 1 << 20;
        let least = size.div_ceil(limits.parts.max(1));
        let part = if least <= wished { wished.max(1) } else { least.div_ceil(MIB) * MIB };
        if part > limits.part {
            return Err(Failure::TooLarge(size));
        }
        let whole = (0..size / part).map(|_| part);
        let rest = Some(size % part).filter(|rest| *rest > 0 || size == 0);
        Ok(Self::of(whole.chain(rest), false))
    }

    /// The source's own cut, if these sizes can be it.
    pub(super) fn like_source(sizes: &[u64], size: u64, parts: u32, limits: &CopyLimits) -> Option<Self> {
        let sum = sizes.iter().try_fold(0_u64, |sum, part| sum.checked_add(*part));
        let fits = sum == Some(size) && sizes.len() == parts as usize;
        let legal = sizes.len() as u64 <= limits.parts && sizes.iter().all(|part| *part <= limits.part);
        (fits && legal).then(|| Self::of(sizes.iter().copied(), true))
    }

    /// All parts of this size but the last, if that gives so many parts.
    fn uniform(part: u64, size: u64, parts: u32, limits: &CopyLimits) -> Option<Self> {
        if part == 0 || size.div_ceil(part) != u64::from(parts) || u64::from(parts) > limits.parts {
            return None;
        }
        let last = size - part * (u64::from(parts) - 1);
        let sizes: Vec<u64> = (1..parts).map(|_| part).chain([last]).collect();
        Self::like_source(&sizes, size, parts, limits)
    }

    /// The largest part.
    pub(super) fn largest(&self) -> u64 {
        self.parts.iter().map(|part| part.size).max().unwrap_or_default()
    }
}

/// What GetObjectAttributes told about the source.
#[derive(Clone, Debug, Default)]
struct Listed {
    sizes: Vec<u64>,
}

impl Job<'_> {
    /// The layout of a multipart source, cheapest question first: part 1 was asked about already (`first`), the
    /// last part confirms an even cut, then GetObjectAttributes, then every part. `None` if it cannot be learnt.
    pub(super) async fn source_layout(&self, first: &ObjectInfo) -> Result<Option<Layout>, Failure> {
        let Some(parts) = self.task.source.parts() else { return Ok(None) };
        let (size, limits) = (self.task.source.size, &self.shared.options.limits);
        if parts == 1 {
            return Ok(Layout::like_source(&[size], size, 1, limits));
        }
        // A server that does not know part numbers answers about the whole object.
        let knows_parts = first.parts_count.is_none_or(|count| count == parts) && first.size < size;
        if knows_parts && let Some(layout) = Layout::uniform(first.size, size, parts, limits) {
            // Two parts leave no doubt; of more, the middle ones might still differ, which the last one would
            // show unless they cancel out.
            let last = layout.parts.last().map(|part| part.size);
            if parts == 2 || self.part_size(parts).await? == last {
                return Ok(Some(layout));
            }
        }
        if let Some(listed) = self.listed_parts().await?
            && let Some(layout) = Layout::like_source(&listed.sizes, size, parts, limits)
        {
            return Ok(Some(layout));
        }
        if !knows_parts || parts > HEADS_AT_MOST {
            return Ok(None);
        }
        let heads = futures::stream::iter(1..=parts).map(|number| self.part_size(number));
        let sizes: Vec<Option<u64>> = heads.buffered(HEADS_IN_FLIGHT).try_collect().await?;
        let sizes: Option<Vec<u64>> = sizes.into_iter().collect();
        Ok(sizes.and_then(|sizes| Layout::like_source(&sizes, size, parts, limits)))
    }

    /// The size of one part; `None` if there is no such part.
    async fn part_size(&self, number: u32) -> Result<Option<u64>, Failure> {
        let request = HeadObject { id: self.source.clone(), checksum: false, part_number: Some(number) };
        match self.shared.source.store.head(&request).await {
            Ok(info) => Ok(Some(info.size)),
            // 400 InvalidPart or 416: no such part (S3 facts, section 1.2).
            Err(error) if matches!(error.kind, Kind::Invalid | Kind::Unsupported) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn listed_parts(&self) -> Result<Option<Listed>, Failure> {
        if self.shared.learned.has_no_attributes() {
            return Ok(None);
        }
        match self.shared.source.attributes(&self.source).await {
            Ok(attributes) => {
                let mut parts = attributes.parts;
                parts.sort_by_key(|part| part.number);
                Ok(Some(Listed { sizes: parts.iter().map(|part| part.size).collect() }))
            }
            Err(error) if matches!(error.kind, Kind::Denied | Kind::Unsupported | Kind::Invalid) => {
                self.shared.learned.set_no_attributes();
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Pairs of part size and checksum, where every part has one.
pub(super) fn sized(parts: &[(u64, Option<Checksum>)]) -> Option<Vec<(u64, Checksum)>> {
    parts.iter().map(|(size, checksum)| Some((*size, checksum.clone()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn even_cuts_respect_the_limits() {
        let limits = CopyLimits::default();
        let sizes = |layout: Layout| layout.parts.iter().map(|part| part.size).collect::<Vec<_>>();
        assert_eq!(sizes(Layout::even(0, 8 * MIB, &limits).unwrap()), [0]);
        assert_eq!(sizes(Layout::even(8 * MIB, 8 * MIB, &limits).unwrap()), [8 * MIB]);
        assert_eq!(sizes(Layout::even(8 * MIB + 1, 8 * MIB, &limits).unwrap()), [8 * MIB, 1]);
        // 5 TiB in 8 MiB parts would be 655,360 parts.
        assert_eq!(Layout::even(5 << 40, 8 * MIB, &limits).unwrap().largest(), 525 * MIB);
        // The largest object of all: 10,000 parts of 5 GiB.
        let largest = Layout::even(50_000 << 30, 8 * MIB, &limits).unwrap();
        assert_eq!((largest.parts.len(), largest.largest()), (10_000, 5 << 30));
        assert!(matches!(Layout::even((50_000 << 30) + 1, MIB, &limits), Err(Failure::TooLarge(_))));
    }

    #[test]
    fn sizes_that_cannot_be_are_refused() {
        let limits = CopyLimits::default();
        assert!(Layout::like_source(&[5, 5], 10, 2, &limits).unwrap().like_source);
        assert_eq!(Layout::like_source(&[5, 4], 10, 2, &limits), None);
        assert_eq!(Layout::like_source(&[10], 10, 2, &limits), None);
        assert_eq!(Layout::like_source(&[u64::MAX, 11], 10, 2, &limits), None);
        assert_eq!(Layout::uniform(4, 10, 2, &limits), None);
        assert_eq!(Layout::uniform(10, 10, 2, &limits), None);
        assert_eq!(Layout::uniform(6, 10, 2, &limits).unwrap().parts.last().unwrap().size, 4);
    }

    proptest! {
        #[test]
        fn an_even_cut_covers_every_byte_once(size in 0_u64..1 << 45, wished in 1_u64..1 << 30) {
            let layout = Layout::even(size, wished, &CopyLimits { parts: 500, part: 1 << 50, copy: 1 }).unwrap();
            prop_assert!(layout.parts.len() <= 500);
            let mut next = 0;
            for (number, part) in (1..).zip(&layout.parts) {
                prop_assert_eq!((part.number, part.first), (number, next));
                next += part.size;
            }
            prop_assert_eq!(next, size);
        }
    }
}

//! Where the findings lie: the largest affected prefixes.
//!
//! One pass over keys in order with a stack as deep as the keys' folders. A folder that is left hands its
//! count up and keeps only its largest children, so the memory does not grow with the number of folders.
//! Folders with a single way through are told as one: `audio/2026/11/` and not `audio/`.

/// Children a folder remembers.
const KEPT: usize = 12;
/// Folders deeper than this are counted with the folder above.
const DEPTH: usize = 16;

/// A prefix and what lies under it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// With its closing slash; empty for the top.
    pub(crate) prefix: String,
    pub(crate) count: u64,
    pub(crate) bytes: u64,
    /// Only the keys that are in no deeper folder.
    pub(crate) direct: bool,
}

/// Collects the prefixes of keys handed in order.
#[derive(Debug)]
pub(crate) struct Places {
    open: Vec<Folder>,
}

#[derive(Debug, Default)]
struct Folder {
    place: Place,
    direct: Place,
    kids: Vec<Place>,
    /// Counts of children that were not kept.
    lost: u64,
    /// The level below, if everything here is in one child.
    only: Option<Box<Folder>>,
}

impl Default for Places {
    fn default() -> Self {
        Self { open: vec![Folder::default()] }
    }
}

impl Places {
    /// Counts a key.
    pub(crate) fn see(&mut self, key: &str, bytes: u64) {
        let shared = self.open.iter().take_while(|folder| key.starts_with(&folder.place.prefix)).count();
        self.close(shared.max(1));
        let from = self.open.last().map_or(0, |folder| folder.place.prefix.len());
        for (at, _) in key.match_indices('/').filter(|(at, _)| *at >= from) {
            if self.open.len() > DEPTH {
                break;
            }
            let prefix = key[..=at].to_owned();
            self.open.push(Folder { place: Place { prefix, ..Place::default() }, ..Folder::default() });
        }
        for folder in &mut self.open {
            folder.place.count += 1;
            folder.place.bytes += bytes;
        }
        if let Some(folder) = self.open.last_mut() {
            folder.direct.count += 1;
            folder.direct.bytes += bytes;
        }
    }

    /// The places of the first level at which the keys part, largest first, and how many keys lie elsewhere.
    pub(crate) fn finish(mut self) -> (Vec<Place>, u64) {
        self.close(1);
        let Some(mut top) = self.open.pop() else { return (Vec::new(), 0) };
        top.settle();
        while let Some(only) = top.only.take() {
            top = *only;
        }
        let mut places = top.kids;
        if top.direct.count > 0 {
            places.push(Place { prefix: top.place.prefix, direct: true, ..top.direct });
        }
        places.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.prefix.cmp(&b.prefix)));
        let cut: u64 = places.iter().skip(KEPT).map(|place| place.count).sum();
        places.truncate(KEPT);
        (places, cut + top.lost)
    }

    fn close(&mut self, keep: usize) {
        while self.open.len() > keep {
            let (Some(mut done), Some(above)) = (self.open.pop(), self.open.last_mut()) else { return };
            done.settle();
            above.take(done);
        }
    }
}

impl Folder {
    /// Folders through which a single way leads say so with the deeper name.
    fn settle(&mut self) {
        if self.only.as_ref().is_some_and(|only| only.place.count < self.place.count) {
            self.only = None;
        }
    }

    fn take(&mut self, done: Folder) {
        let mut place = done.place.clone();
        let mut deepest = &done;
        while let Some(only) = &deepest.only {
            deepest = only;
            place.prefix.clone_from(&deepest.place.prefix);
        }
        match self.kids.iter_mut().find(|kid| kid.prefix == place.prefix) {
            Some(kid) => {
                kid.count += place.count;
                kid.bytes += place.bytes;
            }
            None => self.kids.push(place),
        }
        self.only = if self.kids.len() == 1 && self.lost == 0 { Some(Box::new(done)) } else { None };
        if self.kids.len() > 4 * KEPT {
            self.kids.sort_by_key(|kid| std::cmp::Reverse(kid.count));
            self.lost += self.kids.drain(2 * KEPT..).map(|kid| kid.count).sum::<u64>();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(keys: &[&str]) -> (Vec<(String, u64, bool)>, u64) {
        let mut places = Places::default();
        for key in keys {
            places.see(key, 1);
        }
        let (places, rest) = places.finish();
        (places.into_iter().map(|place| (place.prefix, place.count, place.direct)).collect(), rest)
    }

    #[test]
    fn a_single_way_through_is_told_as_one() {
        let (found, rest) = places(&["a/b/c/1", "a/b/c/2", "a/b/d/3", "z/1"]);
        assert_eq!(found, [("a/b/".to_owned(), 3, false), ("z/".to_owned(), 1, false)]);
        assert_eq!(rest, 0);
    }

    #[test]
    fn the_common_beginning_is_not_a_finding() {
        let (found, _) = places(&["x/y/a/1", "x/y/a/2", "x/y/b/1", "x/y/top"]);
        let expected = [("x/y/a/", 2, false), ("x/y/", 1, true), ("x/y/b/", 1, false)];
        assert_eq!(found, expected.map(|(prefix, count, direct)| (prefix.to_owned(), count, direct)));
    }

    #[test]
    fn no_keys_and_no_folders() {
        assert_eq!(places(&[]), (Vec::new(), 0));
        assert_eq!(places(&["a", "b"]), (vec![(String::new(), 2, true)], 0));
        assert_eq!(places(&["only/one"]), (vec![("only/".to_owned(), 1, true)], 0));
    }

    #[test]
    fn many_folders_keep_the_sum_and_the_largest() {
        let mut keys: Vec<String> = (0..5000).map(|n| format!("{n:05}/a/k")).collect();
        keys.extend((0..40).map(|n| format!("02500/b/{n:02}")));
        keys.push("//odd//".to_owned());
        keys.sort();
        let (found, rest) = places(&keys.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(found[0], ("02500/".to_owned(), 41, false));
        assert_eq!(found.iter().map(|place| place.1).sum::<u64>() + rest, 5041);
    }
}

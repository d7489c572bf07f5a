//! What the keys look like: which characters occur at which position.
//!
//! A split point must fall among real keys, and S3 only lists forward. So every page teaches a little: at
//! position 7 there were digits, at position 8 the letters a to f. Where two or more characters of a common
//! family were seen, the rest of the family is expected too, until empty splits prove otherwise.

use std::collections::BTreeSet;

/// Longest key in characters: S3 allows 1,024 bytes.
const POSITIONS_MAX: usize = 1024;
/// Characters remembered per position; more than any alphabet that is worth interpolating.
const CHARS_MAX: usize = 512;
/// After so many splits into emptiness the expectation at a position is dropped.
const STRIKES_MAX: u8 = 3;
/// So many positions mixing digits with a to f, and nothing else, mean hexadecimal keys; so many mixing digits with
/// small and capital letters mean keys in base 62 or 64.
const COMPANY: usize = 3;

/// The number system that keys are written in, as their positions together tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum System {
    Hexadecimal,
    /// Base 62, or base 64 as in URLs and file names.
    Letters,
    Unknown,
}

#[derive(Clone, Debug, Default)]
struct Position {
    seen: BTreeSet<char>,
    strikes: u8,
}

/// What to reckon with at one position: a number system of one digit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// These characters, ascending.
    Chars(Vec<char>),
    /// A stretch of a wide script, too many to list: every code point between two that were seen.
    Span(char, char),
}

impl Alphabet {
    /// How many characters; 0 where nothing was seen.
    #[must_use]
    pub fn base(&self) -> usize {
        match self {
            Self::Chars(chars) => chars.len(),
            Self::Span(low, high) => (*high as usize).saturating_sub(*low as usize) + 1,
        }
    }

    /// How many of them lie below a character.
    #[must_use]
    pub fn rank(&self, char: char) -> usize {
        match self {
            Self::Chars(chars) => chars.partition_point(|other| *other < char),
            Self::Span(low, _) => (char as usize).saturating_sub(*low as usize).min(self.base()),
        }
    }

    /// The character of a rank.
    #[must_use]
    pub fn at(&self, rank: usize) -> Option<char> {
        match self {
            Self::Chars(chars) => chars.get(rank).copied(),
            Self::Span(low, high) => {
                // The gap of the surrogates holds no character: the next one serves.
                let code = u32::try_from(*low as usize + rank).ok()?;
                (code..=*high as u32).find_map(char::from_u32)
            }
        }
    }

    /// Makes room for a character that a bound has, though no key was seen with it.
    pub fn admit(&mut self, char: char) {
        match self {
            Self::Chars(chars) => {
                if let Err(place) = chars.binary_search(&char) {
                    chars.insert(place, char);
                }
            }
            Self::Span(low, high) => (*low, *high) = ((*low).min(char), (*high).max(char)),
        }
    }
}

impl Default for Alphabet {
    fn default() -> Self {
        Self::Chars(Vec::new())
    }
}

/// Characters by position, learned from the keys of one run.
#[derive(Clone, Debug, Default)]
pub struct Atlas {
    positions: Vec<Position>,
}

impl Atlas {
    /// Learns from one key.
    pub fn observe(&mut self, key: &str) {
        for (index, char) in key.chars().take(POSITIONS_MAX).enumerate() {
            if self.positions.len() <= index {
                self.positions.resize_with(index + 1, Position::default);
            }
            if let Some(position) = self.positions.get_mut(index)
                && position.seen.len() < CHARS_MAX
            {
                position.seen.insert(char);
            }
        }
    }

    /// Tells that a split decided at this position found nothing on its right.
    pub fn strike(&mut self, index: usize) {
        if let Some(position) = self.positions.get_mut(index) {
            position.strikes = position.strikes.saturating_add(1);
        }
    }

    /// Positions known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.positions.len()
    }

    /// True before the first key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.positions.is_empty()
    }

    /// The characters to reckon with at each position, in order: those seen, and their family where that is
    /// warranted. Positions that never varied have one character (or none).
    #[must_use]
    pub fn alphabets(&self) -> Vec<Alphabet> {
        let system = self.system();
        let mut result = Vec::with_capacity(self.positions.len());
        let mut after_digits = false;
        for position in &self.positions {
            let alphabet = position.alphabet(system, after_digits);
            // A run of digits that varies in one place varies in the places behind it: a counter that has
            // only shown 0000100 so far will show 0000999.
            after_digits = alphabet.base() >= 10 && position.seen.iter().all(char::is_ascii_hexdigit);
            result.push(alphabet);
        }
        result
    }

    fn system(&self) -> System {
        let count = |mixed: fn(&BTreeSet<char>) -> bool| {
            self.positions.iter().filter(|position| mixed(&position.seen)).take(COMPANY).count()
        };
        if count(is_mixed_hexadecimal) == COMPANY {
            System::Hexadecimal
        } else if count(is_mixed_letters) == COMPANY {
            System::Letters
        } else {
            System::Unknown
        }
    }
}

fn is_mixed_hexadecimal(seen: &BTreeSet<char>) -> bool {
    seen.iter().any(char::is_ascii_digit)
        && seen.iter().any(|c| matches!(c, 'a'..='f'))
        && seen.iter().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

fn is_mixed_letters(seen: &BTreeSet<char>) -> bool {
    [char::is_ascii_digit, char::is_ascii_uppercase, char::is_ascii_lowercase]
        .iter()
        .all(|class| seen.iter().any(class))
        && seen.iter().all(is_letter)
}

/// A digit of base 62 or 64.
fn is_letter(char: &char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '-' | '_')
}

impl Position {
    fn alphabet(&self, system: System, after_digits: bool) -> Alphabet {
        let seen = &self.seen;
        if let (Some(low), Some(high)) = (seen.first(), seen.last())
            && !low.is_ascii()
            && low < high
            && self.strikes < STRIKES_MAX
        {
            return Alphabet::Span(*low, *high);
        }
        let expected: &[std::ops::RangeInclusive<char>] =
            if self.strikes >= STRIKES_MAX { &[] } else { family(seen, system, after_digits) };
        let mut all = seen.clone();
        all.extend(expected.iter().cloned().flatten());
        Alphabet::Chars(all.into_iter().collect())
    }
}

/// The family that the characters seen at a position belong to; nothing for a position that did not vary.
fn family(
    seen: &BTreeSet<char>,
    system: System,
    after_digits: bool,
) -> &'static [std::ops::RangeInclusive<char>] {
    let all = |test: fn(&char) -> bool| seen.iter().all(test);
    let digits = all(|c| c.is_ascii_digit());
    if seen.len() < 2 && !(after_digits && digits && !seen.is_empty()) {
        return &[];
    }
    if system == System::Hexadecimal && all(|c| matches!(c, '0'..='9' | 'a'..='f')) {
        &['0'..='9', 'a'..='f']
    } else if system == System::Letters && all(is_letter) {
        &['0'..='9', 'A'..='Z', 'a'..='z']
    } else if digits {
        &['0'..='9']
    } else if all(char::is_ascii_lowercase) {
        &['a'..='z']
    } else if all(char::is_ascii_uppercase) {
        &['A'..='Z']
    } else if all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()) {
        &['0'..='9', 'a'..='z']
    } else if all(char::is_ascii_alphanumeric) {
        &['0'..='9', 'A'..='Z', 'a'..='z']
    } else {
        &[]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn atlas(keys: &[&str]) -> Atlas {
        let mut atlas = Atlas::default();
        keys.iter().for_each(|key| atlas.observe(key));
        atlas
    }

    #[test]
    fn families_are_expected_where_positions_vary() {
        let alphabets = atlas(&["k/0000", "k/1000"]).alphabets();
        assert_eq!(alphabets[0], Alphabet::Chars(vec!['k']));
        assert_eq!(alphabets[2].base(), 10);
        // Behind a varying digit, digits vary.
        assert_eq!(alphabets[3].base(), 10);
    }

    #[test]
    fn hexadecimal_is_recognised_by_its_company() {
        let alphabets = atlas(&["0a1f", "1b2a", "04e0", "1f07"]).alphabets();
        assert_eq!(alphabets[0].base(), 16);
    }

    #[test]
    fn so_are_letters_of_all_kinds() {
        let alphabets = atlas(&["-aB3", "-b7c", "-X0Q", "-0xz", "_9Za"]).alphabets();
        let bases: Vec<usize> = alphabets.iter().map(Alphabet::base).collect();
        assert_eq!(bases, [64, 62, 62, 62]);
    }

    #[test]
    fn strikes_end_the_expectation() {
        let mut atlas = atlas(&["2024/01", "2025/12"]);
        assert_eq!(atlas.alphabets()[5].base(), 10);
        (0..3).for_each(|_| atlas.strike(5));
        assert_eq!(atlas.alphabets()[5], Alphabet::Chars(vec!['0', '1']));
    }
}

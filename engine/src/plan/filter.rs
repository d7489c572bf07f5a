//! `--include` and `--exclude`: which keys a run sees at all.

use globset::{GlobBuilder, GlobMatcher};

/// One rule in the order given on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterRule {
    /// Keys that match take part.
    Include(String),
    /// Keys that match are left alone on both sides: neither compared, copied nor deleted.
    Exclude(String),
}

/// A glob that does not parse.
#[derive(Debug, thiserror::Error)]
#[error("the pattern `{pattern}` does not parse: {why}. Globs know *, **, ?, [a-z] and {{a,b}}")]
pub struct FilterError {
    pattern: String,
    why: String,
}

/// The rules, compiled. The last rule that matches a key decides; a key that no rule matches takes part unless
/// the first rule is an include, which then reads "only these".
///
/// Patterns match relative keys. `*` stops at `/`, `**` does not; a pattern without a slash matches the last
/// segment of a key at any depth, so `*.tmp` means every `.tmp`.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    rules: Vec<(bool, GlobMatcher)>,
    unmatched: Option<bool>,
}

impl Filter {
    /// Compiles rules.
    ///
    /// # Errors
    /// [`FilterError`] names the pattern that does not parse.
    pub fn new(rules: &[FilterRule]) -> Result<Self, FilterError> {
        let unmatched = rules.first().map(|first| matches!(first, FilterRule::Exclude(_)));
        let compiled = rules.iter().map(|rule| match rule {
            FilterRule::Include(pattern) => Ok((true, compile(pattern)?)),
            FilterRule::Exclude(pattern) => Ok((false, compile(pattern)?)),
        });
        Ok(Self { rules: compiled.collect::<Result<_, _>>()?, unmatched })
    }

    /// Does the key take part?
    #[must_use]
    pub fn admits(&self, key: &str) -> bool {
        let decided =
            self.rules.iter().rev().find(|(_, glob)| glob.is_match(key)).map(|(include, _)| *include);
        decided.or(self.unmatched).unwrap_or(true)
    }
}

fn compile(pattern: &str) -> Result<GlobMatcher, FilterError> {
    let anywhere = if pattern.contains('/') { pattern.to_owned() } else { format!("**/{pattern}") };
    let glob = GlobBuilder::new(&anywhere).literal_separator(true).backslash_escape(true).build();
    match glob {
        Ok(glob) => Ok(glob.compile_matcher()),
        Err(error) => Err(FilterError { pattern: pattern.to_owned(), why: error.kind().to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(rules: &[(char, &str)]) -> Filter {
        let rules: Vec<_> = rules
            .iter()
            .map(|(sign, pattern)| match sign {
                '+' => FilterRule::Include((*pattern).to_owned()),
                _ => FilterRule::Exclude((*pattern).to_owned()),
            })
            .collect();
        Filter::new(&rules).unwrap()
    }

    #[test]
    fn the_last_match_wins() {
        let filter = filter(&[('-', "*.tmp"), ('+', "keep/*.tmp")]);
        assert!(filter.admits("a/b.jpg") && !filter.admits("a/b.tmp") && filter.admits("keep/b.tmp"));
        assert!(!filter.admits("keep/deep/b.tmp"));
    }

    #[test]
    fn a_leading_include_means_only_these() {
        let filter = filter(&[('+', "audio/**")]);
        assert!(filter.admits("audio/x/y.flac") && !filter.admits("images/x.jpg"));
        assert!(Filter::default().admits("anything"));
    }

    #[test]
    fn bad_patterns_are_named() {
        let error = Filter::new(&[FilterRule::Include("a[".into())]).unwrap_err();
        assert!(error.to_string().contains("`a[`"), "{error}");
    }
}

//! Why a message did not arrive, and whether another attempt makes sense.

use std::time::Duration;

/// One attempt in vain.
#[derive(Debug)]
pub(super) struct Failure {
    /// What was said, and what to do about it.
    pub(super) why: String,
    /// Another attempt may do better. A login that is refused is not tried again: accounts get locked that way.
    pub(super) passing: bool,
    /// The server asked to wait this long before the next attempt.
    pub(super) wait: Option<Duration>,
}

impl Failure {
    pub(super) fn lasting(why: impl Into<String>) -> Self {
        Self { why: why.into(), passing: false, wait: None }
    }

    pub(super) fn passing(why: impl Into<String>) -> Self {
        Self { why: why.into(), passing: true, wait: None }
    }

    /// Servers repeat what they were sent; what must not reach a log is taken out.
    pub(super) fn without(mut self, secrets: &[String]) -> Self {
        self.why = hide(&self.why, secrets);
        self
    }
}

/// Shorter words are no secret, and stand in every other sentence.
const SECRET_MIN: usize = 6;

pub(super) fn hide(text: &str, secrets: &[String]) -> String {
    let mut secrets: Vec<&String> = secrets.iter().filter(|secret| secret.len() >= SECRET_MIN).collect();
    // One may be a part of another.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.into_iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "…"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_the_longest_first_and_words_stay() {
        let secrets = ["/hook/abcdefgh".to_owned(), "abcdefgh".to_owned(), "POST".to_owned()];
        let hidden = hide("Cannot POST /hook/abcdefgh (abcdefgh)", &secrets);
        assert_eq!(hidden, "Cannot POST … (…)");
    }
}

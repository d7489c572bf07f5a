//! Where a run leaves its files, and what it is called.

use std::path::{Path, PathBuf};

/// The state dir: given, or where the platform keeps state.
///
/// # Errors
/// Says what to give when the environment names no home.
pub(crate) fn state_dir(given: Option<&Path>) -> Result<PathBuf, String> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    of("XDG_STATE_HOME")
        .or_else(|| of("HOME").map(|home| home.join(".local/state")))
        .map(|base| base.join("s3twin"))
        .ok_or_else(|| {
            "no home directory is known: say where runs are remembered with --state-dir".to_owned()
        })
}

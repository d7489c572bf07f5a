//! Where a run leaves its files, and what it is called.

use s3twin_engine::journal::RunId;
use s3twin_engine::report::Summary;
use std::fs::File;
use std::io;
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

/// Makes the state dir if it is not there.
///
/// # Errors
/// Says what to do.
pub(crate) fn make(state: &Path) -> Result<(), String> {
    std::fs::create_dir_all(state).map_err(|error| {
        format!("the state dir {} cannot be made: {error}. Name another with --state-dir", state.display())
    })
}

/// The folders of all runs, newest first. A state dir that is not there has none.
///
/// # Errors
/// When the state dir cannot be read.
pub(crate) fn all(state: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(state.join("runs")) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut folders: Vec<PathBuf> =
        entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    // Ids begin with the time.
    folders.sort_unstable_by(|a, b| b.file_name().cmp(&a.file_name()));
    Ok(folders)
}

/// The folder of a run: its id, the beginning of one, `latest`, or a path.
///
/// # Errors
/// Says what there is instead.
pub(crate) fn find(state: impl FnOnce() -> Result<PathBuf, String>, wanted: &str) -> Result<PathBuf, String> {
    let path = Path::new(wanted);
    if path.join("summary.json").is_file() || (wanted.contains(std::path::MAIN_SEPARATOR) && path.is_dir()) {
        return Ok(path.to_owned());
    }
    let state = state()?;
    let folders = all(&state).map_err(|error| format!("{} cannot be read: {error}", state.display()))?;
    let known = format!("`s3twin runs` lists those in {}", state.display());
    if wanted == "latest" {
        return folders
            .into_iter()
            .next()
            .ok_or_else(|| format!("there are no runs yet in {}", state.display()));
    }
    if let Some(exact) = folders.iter().find(|folder| name(folder) == wanted) {
        return Ok(exact.clone());
    }
    let mut matching: Vec<&PathBuf> =
        folders.iter().filter(|folder| !wanted.is_empty() && name(folder).starts_with(wanted)).collect();
    match (matching.pop(), matching.len()) {
        (Some(only), 0) => Ok(only.clone()),
        (Some(_), more) => {
            Err(format!("{} runs begin with {wanted}: give more of the id; {known}", more + 1))
        }
        (None, _) => Err(format!("there is no run {wanted}, and no folder of a run by that name; {known}")),
    }
}

/// The folder of a run by its whole id.
pub(crate) fn by_id(state: &Path, id: &str) -> Option<PathBuf> {
    let id: RunId = id.parse().ok()?;
    Some(state.join("runs").join(id.as_str())).filter(|folder| folder.is_dir())
}

/// The name of a run's folder, which is its id.
pub(crate) fn name(folder: &Path) -> String {
    folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The summary that a run left.
///
/// # Errors
/// Says why there is none.
pub(crate) fn summary(folder: &Path) -> Result<Summary, String> {
    let path = folder.join("summary.json");
    let bytes = std::fs::read(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!(
            "{} has no summary.json: the run is still going, or was killed; `s3twin resume {}` goes on",
            folder.display(),
            name(folder)
        ),
        _ => format!("{} cannot be read: {error}", path.display()),
    })?;
    serde_json::from_slice(&bytes)
        .map_err(|error| format!("{} is no summary that this version reads: {error}", path.display()))
}

/// Writes a file whole or not at all: under another name first.
///
/// # Errors
/// What the system said; the old file, if any, still stands.
pub(crate) fn write_whole(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let result =
        File::create(&part).and_then(|mut file| write(&mut file)).and_then(|()| std::fs::rename(&part, path));
    if result.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&part);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_found_by_as_little_as_tells_it_apart() {
        let state = tempfile::tempdir().unwrap();
        let ids =
            ["20260101T000000Z-audit-0001", "20260102T000000Z-audit-0002", "20260102T000001Z-sync-0003"];
        for id in ids {
            std::fs::create_dir_all(state.path().join("runs").join(id)).unwrap();
        }
        let find = |wanted: &str| find(|| Ok(state.path().to_owned()), wanted).map(|folder| name(&folder));
        assert_eq!(find("latest").unwrap(), ids[2]);
        assert_eq!(find("20260101").unwrap(), ids[0]);
        assert_eq!(find(ids[1]).unwrap(), ids[1]);
        assert!(find("20260102").unwrap_err().contains("2 runs begin with"));
        assert!(find("x").unwrap_err().contains("no run x"));
        assert!(find("").is_err());
        let path = state.path().join("runs").join(ids[0]);
        assert_eq!(find(path.to_str().unwrap()).unwrap(), ids[0]);
    }

    #[test]
    fn a_file_that_cannot_be_written_whole_leaves_the_old_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("page");
        write_whole(&path, |file| io::Write::write_all(file, b"old")).unwrap();
        write_whole(&path, |_| Err(io::Error::other("no"))).unwrap_err();
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

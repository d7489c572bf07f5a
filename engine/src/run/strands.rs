//! Two files out of one run: rows of the manifest share the segments with the findings, so that both survive a crash
//! together, and are parted when the run has ended. A manifest row is marked by a letter in front; a finding is not.

use crate::Error;
use crate::compare::Facts;
use crate::journal::RunDir;
use crate::report::manifest::{self, ManifestHeader, ManifestRow};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::Path;

const MARK: u8 = b'M';

/// Appends a marked manifest row.
pub(super) fn write_row(key: &str, facts: &Facts, out: &mut Vec<u8>) {
    out.push(MARK);
    ManifestRow::write_line(key, facts, out);
}

/// Parts the assembled rows into `manifest.jsonl` and `findings.jsonl`; each appears whole or not at all.
pub(super) fn part(run: &RunDir, header: &ManifestHeader) -> Result<(), Error> {
    let (mixed, pure) = (run.findings(), run.path().join("findings.part"));
    let unfinished = run.path().join("manifest.part");
    let work = || -> io::Result<()> {
        let mut lines = BufReader::with_capacity(256 << 10, File::open(&mixed)?);
        let mut findings = create(&pure)?;
        let mut rows = create(&unfinished)?;
        rows.write_all(&header.line()?)?;
        let (mut keys, mut line) = (0, Vec::new());
        while lines.read_until(b'\n', &mut line)? > 0 {
            match line.split_first() {
                Some((&MARK, row)) => {
                    keys += 1;
                    rows.write_all(row)?;
                }
                _ => findings.write_all(&line)?,
            }
            line.clear();
        }
        rows.write_all(&manifest::footer(keys)?)?;
        finish(rows)?;
        finish(findings)?;
        std::fs::rename(&unfinished, run.manifest())?;
        std::fs::rename(&pure, &mixed)
    };
    work().map_err(|error| {
        Error::Invalid(format!("the manifest in {} cannot be written: {error}", run.path().display()))
    })
}

fn create(path: &Path) -> io::Result<BufWriter<File>> {
    Ok(BufWriter::with_capacity(256 << 10, File::create(path)?))
}

fn finish(file: BufWriter<File>) -> io::Result<()> {
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

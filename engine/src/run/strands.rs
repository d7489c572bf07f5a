//! Several files out of one run: rows of the manifest and proofs for the ledger share the segments with the findings, so
//! that all survive a crash together, and are parted when the run has ended. They are marked by a letter in front;
//! findings are not.

use super::prove::Case;
use crate::Error;
use crate::compare::Facts;
use crate::journal::RunDir;
use crate::report::ledger::Proof;
use crate::report::manifest::{self, ManifestHeader, ManifestRow};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

const MARK: u8 = b'M';
const PROOF: u8 = b'P';

/// Appends a marked manifest row.
pub(super) fn write_row(key: &str, facts: &Facts, out: &mut Vec<u8>) {
    out.push(MARK);
    ManifestRow::write_line(key, facts, out);
}

/// Appends a marked proof.
pub(super) fn write_proof(proof: &Proof, out: &mut Vec<u8>) {
    out.push(PROOF);
    proof.write_line(out);
}

/// Where a run's proofs lie until they are in the ledger.
pub(super) fn proofs(run: &RunDir) -> PathBuf {
    run.path().join("proofs.jsonl")
}

/// Parts the assembled rows into `findings.jsonl`, `proofs.jsonl` and, with a header, `manifest.jsonl`; each appears
/// whole or not at all.
pub(super) fn part(run: &RunDir, header: Option<&ManifestHeader>) -> Result<(), Error> {
    work(run, header).map_err(|error| {
        Error::Invalid(format!("the files in {} cannot be written: {error}", run.path().display()))
    })
}

fn work(run: &RunDir, header: Option<&ManifestHeader>) -> io::Result<()> {
    let (mixed, partial) = (run.findings(), |name: &str| run.path().join(name));
    let mut lines = BufReader::with_capacity(256 << 10, File::open(&mixed)?);
    let mut findings = create(&partial("findings.part"))?;
    let mut proofs_out = create(&partial("proofs.part"))?;
    let mut rows = header.map(|_| create(&partial("manifest.part"))).transpose()?;
    if let (Some(rows), Some(header)) = (&mut rows, header) {
        rows.write_all(&header.line()?)?;
    }
    let (mut keys, mut line) = (0, Vec::new());
    while lines.read_until(b'\n', &mut line)? > 0 {
        match (line.split_first(), &mut rows) {
            (Some((&MARK, row)), Some(rows)) => {
                keys += 1;
                rows.write_all(row)?;
            }
            (Some((&PROOF, row)), _) => proofs_out.write_all(row)?,
            _ => findings.write_all(&line)?,
        }
        line.clear();
    }
    if let Some(mut rows) = rows {
        rows.write_all(&manifest::footer(keys)?)?;
        finish(rows)?;
        std::fs::rename(partial("manifest.part"), run.manifest())?;
    }
    finish(proofs_out)?;
    std::fs::rename(partial("proofs.part"), proofs(run))?;
    finish(findings)?;
    std::fs::rename(partial("findings.part"), &mixed)
}

fn create(path: &Path) -> io::Result<BufWriter<File>> {
    Ok(BufWriter::with_capacity(256 << 10, File::create(path)?))
}

fn finish(file: BufWriter<File>) -> io::Result<()> {
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// Manifest rows of a piece: those of settled keys, and where among them those of the cases belong.
#[derive(Debug, Default)]
pub(super) struct Strand {
    pub(super) rows: Vec<u8>,
    pub(super) cases: Vec<usize>,
}

impl Strand {
    /// All rows in key order; what examining a case brought is in its row.
    pub(super) fn whole<'c>(self, cases: impl Iterator<Item = &'c Case>) -> Vec<u8> {
        let (mut whole, mut from) = (Vec::with_capacity(self.rows.len()), 0);
        for (at, case) in self.cases.iter().zip(cases) {
            whole.extend_from_slice(self.rows.get(from..*at).unwrap_or_default());
            from = *at;
            if let Some(facts) = &case.source {
                write_row(&case.key, facts, &mut whole);
            }
        }
        whole.extend_from_slice(self.rows.get(from..).unwrap_or_default());
        whole
    }
}

//! `s3twin report`: an old run, rendered again.

use crate::args::{ReportArgs, ReportFormat};
use crate::exit::Exit;
use crate::page::Source;
use crate::run_folder;
use std::io::{self, BufWriter, Write};
use std::path::Path;

pub(crate) fn run(args: &ReportArgs) -> Exit {
    let state = run_folder::state_dir(args.state_dir.as_deref());
    let found = run_folder::find(|| state.clone(), &args.run);
    let found = found.and_then(|folder| run_folder::summary(&folder).map(|summary| (folder, summary)));
    let (folder, summary) = match found {
        Ok(found) => found,
        Err(message) => {
            eprintln!("s3twin: {message}");
            return Exit::Usage;
        }
    };
    let source = Source { summary: &summary, folder: &folder, state: state.as_deref().ok() };
    match write(&source, args.format, args.out.as_deref()) {
        Ok(()) => Exit::Clean,
        // Whoever reads stdout has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Clean,
        Err(error) => {
            eprintln!("s3twin: the report of {} could not be written: {error}", folder.display());
            Exit::Incomplete
        }
    }
}

fn write(source: &Source<'_>, format: ReportFormat, out: Option<&Path>) -> io::Result<()> {
    match (format, out) {
        (ReportFormat::Html, None) => writeln!(io::stdout(), "{}", source.leave()?.display()),
        (_, Some(path)) if path != Path::new("-") => {
            run_folder::write_whole(path, |file| render(source, format, &mut BufWriter::new(file)))
        }
        _ => render(source, format, &mut BufWriter::new(io::stdout())),
    }
}

fn render(source: &Source<'_>, format: ReportFormat, out: &mut impl Write) -> io::Result<()> {
    match format {
        ReportFormat::Html => source.html(out)?,
        ReportFormat::Markdown => out.write_all(source.markdown()?.as_bytes())?,
        ReportFormat::Json => {
            // As it lies there: a newer version may have written more than this one knows.
            let json = std::fs::read(source.folder.join(source.data_file()))?;
            out.write_all(json.trim_ascii())?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()
}

//! `s3twin completions` and `s3twin man`.

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::exit::Exit;
use clap::CommandFactory as _;

pub(crate) fn completions(args: &CompletionsArgs) -> Exit {
    clap_complete::generate(args.shell, &mut Cli::command(), "s3twin", &mut std::io::stdout());
    Exit::Clean
}

pub(crate) fn man(args: &ManArgs) -> Exit {
    let made =
        std::fs::create_dir_all(&args.dir).and_then(|()| clap_mangen::generate_to(Cli::command(), &args.dir));
    match made {
        Ok(()) => Exit::Clean,
        Err(error) => {
            eprintln!("s3twin: man pages cannot be written to {}: {error}", args.dir.display());
            Exit::Usage
        }
    }
}

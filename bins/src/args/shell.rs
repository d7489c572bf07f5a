//! `s3twin completions` and `s3twin man`.

use clap::Args;
use std::path::PathBuf;

/// Print shell completions
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  s3twin completions bash > ~/.local/share/bash-completion/completions/s3twin
  s3twin completions zsh > ~/.zfunc/_s3twin
  s3twin completions fish > ~/.config/fish/completions/s3twin.fish";

/// Write the man pages, one for each command
#[derive(Debug, Args)]
#[command(after_help = MAN_EXAMPLES)]
pub(crate) struct ManArgs {
    /// Folder for them; made if it is not there
    pub(crate) dir: PathBuf,
}

const MAN_EXAMPLES: &str = "\
Examples:
  s3twin man ~/.local/share/man/man1
  s3twin man /tmp/man && man /tmp/man/s3twin-sync.1";

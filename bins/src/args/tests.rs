//! The help teaches, and what it teaches is true.

use super::Cli;
use clap::{Command, CommandFactory as _, Parser as _};

/// The words of a line as a shell would cut it: blanks, single quotes, up to a pipe, a redirection or `&&`.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            _ => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    let end =
        words.iter().position(|word| ["|", ">", "&&"].contains(&word.as_str()) || word.starts_with('('));
    words.truncate(end.unwrap_or(words.len()));
    words
}

fn help(command: &Command) -> String {
    command.get_after_help().map(ToString::to_string).unwrap_or_default()
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_has_examples_and_each_is_a_command_line_that_parses() {
    for command in Cli::command().get_subcommands().filter(|command| command.get_name() != "help") {
        let help = help(command);
        assert!(help.starts_with("Examples:"), "{} has no examples", command.get_name());
        let mut own = 0;
        for line in help.lines().map(str::trim).filter(|line| line.starts_with("s3twin ")) {
            let words = words(line);
            own += usize::from(words.get(1).is_some_and(|word| word == command.get_name()));
            if let Err(error) = Cli::try_parse_from(words) {
                panic!("{line}: {error}");
            }
        }
        assert!(own > 0, "no example of {} begins with s3twin {}", command.get_name(), command.get_name());
    }
}

#[test]
fn every_flag_says_what_it_does() {
    for command in Cli::command().get_subcommands() {
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{} of {}", argument.get_id(), command.get_name());
        }
    }
}

//! Standard output. A reader who has seen enough (`| head`) ends the showing: neither the run nor its exit code.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write as _};

/// A line of output.
macro_rules! say {
    ($($words:tt)*) => { $crate::screen::out::show(format_args!("{}\n", format_args!($($words)*))) };
}
pub(crate) use say;

/// Shows text as it is. What cannot be shown, on a full disk for one, is told on stderr.
pub(crate) fn show(text: Arguments<'_>) {
    let mut out = std::io::stdout().lock();
    match out.write_fmt(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            tracing::error!(%error, "the output could not be written");
        }
        _ => {}
    }
}

//! Exit codes: the contract with scripts.

use s3twin_engine::Error;
use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Clean.
    Clean,
    /// Finished, and there is something to look at.
    LookAt,
    /// Wrong arguments or configuration: nothing was started.
    Usage,
    /// A safety brake refused: nothing was changed.
    Refused,
    /// Could not run to the end.
    Incomplete,
    /// SIGINT or SIGTERM.
    Interrupted,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::LookAt => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Incomplete => 4,
            Self::Interrupted => 130,
        }
    }

    /// The end that a fatal error means.
    #[must_use]
    pub fn of(error: &Error) -> Self {
        match error {
            Error::Brake(_) | Error::Lease(_) => Self::Refused,
            Error::Invalid(_) => Self::Usage,
            Error::Cancelled => Self::Interrupted,
            _ => Self::Incomplete,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

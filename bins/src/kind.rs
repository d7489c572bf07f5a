//! Commands whose result is a report of their own, not the counts of keys.

/// Which. Such a run settles no keys, so there is nothing that `resume` could go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Lag,
    Cost,
    Posture,
    FailoverCheck,
    FailoverRun,
    Failback,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Lag, Self::Cost, Self::Posture, Self::FailoverCheck, Self::FailoverRun, Self::Failback];

    /// As on the command line.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Self::Lag => "lag",
            Self::Cost => "cost",
            Self::Posture => "posture",
            Self::FailoverCheck => "failover check",
            Self::FailoverRun => "failover run",
            Self::Failback => "failback",
        }
    }

    /// As in the id of a run, and as its files are called where they are asked for.
    pub(crate) fn slug(self) -> String {
        self.command().replace(' ', "-")
    }

    /// Of a command, or of its part in the id of a run.
    pub(crate) fn of(command: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.command() == command || kind.slug() == command)
    }
}

/// Is the run of a command meant by this word? `failover` is both of its commands.
pub(crate) fn is_of(command: &str, wanted: &str) -> bool {
    command == wanted || command.split(' ').next() == Some(wanted)
}

//! The process of a job.

use crate::args::LogFormat;
use crate::setup::wait_for_signal;
use std::collections::VecDeque;
use std::io;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// The one JSON object on stdout is never near this size.
const STDOUT_MAX: u64 = 16 << 20;
/// Lines of stderr kept for the report.
const LINES_KEPT: usize = 20;

/// How running jobs are stopped.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    /// Start nothing new.
    pub(crate) asked: CancellationToken,
    /// Interrupt them: they journal where they stand.
    pub(crate) gently: CancellationToken,
    /// Kill them.
    pub(crate) at_once: CancellationToken,
}

impl Stop {
    /// The first SIGINT or SIGTERM asks, and after some patience interrupts; each further one goes a step on.
    pub(crate) fn on_signals(patience: Duration) -> Self {
        let stop = Self::default();
        let inner = stop.clone();
        tokio::spawn(async move {
            wait_for_signal().await;
            inner.asked.cancel();
            // A second signal ends the patience.
            let _ = tokio::time::timeout(patience, wait_for_signal()).await;
            inner.gently.cancel();
            wait_for_signal().await;
            inner.at_once.cancel();
        });
        stop
    }
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Finished {
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    /// Its last words.
    pub(crate) said: Vec<String>,
}

impl Finished {
    /// The one JSON object, if there is one.
    pub(crate) fn result(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.stdout).ok()
    }
}

/// Runs this program with other arguments. What it says on stderr is passed on as it comes.
pub(crate) async fn run(argv: &[String], job: &str, format: LogFormat, stop: &Stop) -> io::Result<Finished> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(argv)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C on a terminal is for us; the job is told by us, once.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let output = async {
        let mut bytes = Vec::new();
        if let Some(stdout) = stdout {
            stdout.take(STDOUT_MAX).read_to_end(&mut bytes).await?;
        }
        Ok::<_, io::Error>(bytes)
    };
    let talk = async {
        let mut kept = VecDeque::new();
        let Some(stderr) = stderr else { return kept };
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            pass_on(&line, job, format);
            kept.push_back(line);
            if kept.len() > LINES_KEPT {
                kept.pop_front();
            }
        }
        kept
    };
    let (status, stdout, said) = tokio::join!(wait(&mut child, stop), output, talk);
    Ok(Finished { code: status?.code(), stdout: stdout?, said: said.into() })
}

async fn wait(child: &mut Child, stop: &Stop) -> io::Result<std::process::ExitStatus> {
    tokio::select! {
        status = child.wait() => return status,
        () = stop.gently.cancelled() => {}
    }
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(id) = id {
        // One that ended just now cannot be told, and need not be.
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
    }
    tokio::select! {
        status = child.wait() => status,
        () = stop.at_once.cancelled() => {
            child.start_kill()?;
            child.wait().await
        }
    }
}

fn pass_on(line: &str, job: &str, format: LogFormat) {
    match format {
        LogFormat::Text => eprintln!("[{job}] {line}"),
        // Lines of its log are JSON already.
        LogFormat::Json if line.starts_with('{') => eprintln!("{line}"),
        LogFormat::Json => tracing::warn!(job, "{line}"),
    }
}

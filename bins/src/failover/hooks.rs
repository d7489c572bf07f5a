//! The operator's own commands, called in order and recorded as they go.

use super::{Readiness, facts};
use crate::{run_folder, setup};
use s3twin_engine::journal::RunId;
use s3twin_engine::model::{Location, Timestamp};
use serde::Serialize;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// One hook.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HookRun {
    pub(crate) command: String,
    /// `None` before it began.
    pub(crate) started_at: Option<Timestamp>,
    /// `None` before it ended.
    pub(crate) ended_at: Option<Timestamp>,
    /// `None` if a signal ended it.
    pub(crate) exit_code: Option<i32>,
    /// File with what it printed, both streams.
    pub(crate) output: String,
}

impl HookRun {
    pub(crate) fn is_done(&self) -> bool {
        self.exit_code == Some(0)
    }
}

/// What is recorded, schema `s3twin.failover-run/1`: rewritten at every step, so that a kill leaves the truth.
#[derive(Debug, Serialize)]
pub(crate) struct Calls {
    schema: &'static str,
    #[serde(skip)]
    pub(crate) folder: PathBuf,
    pub(crate) forced: bool,
    pub(crate) check: Readiness,
    pub(crate) hooks: Vec<HookRun>,
}

impl Calls {
    /// Makes the folder of this failover, which has the name of its run.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn new(
        (state, id): (&Path, &RunId),
        check: Readiness,
        hooks: &[String],
        forced: bool,
    ) -> io::Result<Self> {
        let folder = state.join("failovers").join(id.as_str());
        std::fs::create_dir_all(&folder)?;
        let waiting = |(index, command): (usize, &String)| HookRun {
            command: command.clone(),
            started_at: None,
            ended_at: None,
            exit_code: None,
            output: format!("hook-{:02}.log", index + 1),
        };
        let hooks = hooks.iter().enumerate().map(waiting).collect();
        Ok(Self { schema: "s3twin.failover-run/1", folder, forced, check, hooks })
    }

    /// Calls them until one fails or the run is stopped.
    ///
    /// # Errors
    /// When what happens cannot be written down: then nothing more is called.
    pub(crate) async fn make(
        &mut self,
        pair: (&Location, &Location),
        cancel: &CancellationToken,
    ) -> io::Result<()> {
        let mut environment = facts::variables(&self.check, pair, self.forced);
        environment.push(("S3TWIN_FAILOVER_DIR", self.folder.display().to_string()));
        self.record()?;
        for index in 0..self.hooks.len() {
            if cancel.is_cancelled() {
                break;
            }
            environment.push(("S3TWIN_FAILOVER_HOOK", (index + 1).to_string()));
            self.call(index, &environment, cancel).await?;
            environment.pop();
            if self.hooks.get(index).is_none_or(|hook| !hook.is_done()) {
                break;
            }
        }
        Ok(())
    }

    async fn call(
        &mut self,
        index: usize,
        environment: &[(&'static str, String)],
        cancel: &CancellationToken,
    ) -> io::Result<()> {
        let Some(hook) = self.hooks.get_mut(index) else { return Ok(()) };
        let log = std::fs::File::create(self.folder.join(&hook.output))?;
        eprintln!("s3twin: hook {}: {}", index + 1, hook.command);
        let mut command = Command::new("sh");
        command.arg("-c").arg(&hook.command).envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).process_group(0).kill_on_drop(true);
        hook.started_at = Some(setup::clock().now());
        self.record()?;
        let status = match command.spawn() {
            Ok(mut child) => wait(&mut child, cancel).await?,
            Err(error) => {
                return Err(io::Error::new(error.kind(), format!("sh cannot be started: {error}")));
            }
        };
        if let Some(hook) = self.hooks.get_mut(index) {
            hook.ended_at = Some(setup::clock().now());
            hook.exit_code = status.code();
        }
        self.record()
    }

    fn record(&self) -> io::Result<()> {
        let json = serde_json::to_string_pretty(self)?;
        run_folder::write_whole(&self.folder.join("failover.json"), |file| writeln!(file, "{json}"))
    }
}

/// Waits; when the run is stopped, so are the hook and all that it started.
async fn wait(child: &mut Child, cancel: &CancellationToken) -> io::Result<std::process::ExitStatus> {
    tokio::select! {
        status = child.wait() => return status,
        () = cancel.cancelled() => {}
    }
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(id) = id {
        // One that ended just now cannot be told, and need not be.
        let _ = rustix::process::kill_process_group(id, rustix::process::Signal::TERM);
    }
    child.wait().await
}

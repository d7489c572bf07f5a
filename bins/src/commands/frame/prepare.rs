//! Before the work: connect, exclude other writers, open the journal.

use super::{Frame, Target};
use crate::servers::Servers;
use crate::{Origin, run_folder, setup};
use s3twin_engine::Error;
use s3twin_engine::journal::{Holder, Lease, Pair, RunId, Started, StateDir, resume};
use s3twin_engine::list::Sides;
use s3twin_engine::model::Timestamp;
use s3twin_engine::run::{Recorder, Session};
use std::sync::Arc;

/// What is ready before the work begins.
pub(super) struct Prepared {
    pub(super) sides: Sides,
    pub(super) session: Session,
    pub(super) servers: Servers,
    /// Held for as long as the run lives.
    pub(super) _lease: Option<Lease>,
}

impl Frame {
    pub(super) async fn prepare(&self, started_at: Timestamp) -> Result<Prepared, Error> {
        let state = run_folder::state_dir(self.output.state_dir.as_deref()).map_err(Error::Invalid)?;
        let mut servers = Servers::new(&state, self.endpoints.compat, setup::clock().now());
        let state = StateDir::new(state);
        let cancel = setup::cancel_on_signals();
        let replica = match &self.target {
            Target::Replica(location) => Some(location),
            Target::Itself | Target::Folder(_) | Target::Then(_) => None,
        };
        // Loading the AWS configuration has a large state; it is needed once.
        let connected =
            Box::pin(setup::connect(&self.source, replica, &self.endpoints, &self.limits, &cancel)).await?;
        let sides = servers.introduce(&connected.sides);
        self.check_overlap(&sides)?;
        let id = match &self.origin {
            Origin::Fresh { .. } => RunId::new(started_at, self.command, fastrand::u16(..))?,
            Origin::Interrupted(run) => run.id.clone(),
        };
        let lease = self.lease(&state, &sides, &id)?;
        let recorder = Arc::new(self.recorder(&state, id, started_at).await?);
        let session = Session {
            clock: setup::clock(),
            cancel,
            progress: connected.progress,
            recorder,
            ranges_max: setup::ranges_max(&connected.sides),
        };
        Ok(Prepared { sides, session, servers, _lease: lease })
    }

    async fn recorder(&self, state: &StateDir, id: RunId, started_at: Timestamp) -> Result<Recorder, Error> {
        let version = env!("CARGO_PKG_VERSION");
        match &self.origin {
            Origin::Fresh { argv } => {
                let started = Started {
                    command: self.command.to_owned(),
                    job: serde_json::json!({ "argv": argv }),
                    started_at,
                    version: version.to_owned(),
                };
                Recorder::begin(state.create_run(id)?, started).await
            }
            Origin::Interrupted(run) => {
                let taken_up = resume(&run.journal(), &run.segments(), setup::clock().now(), version)?;
                Recorder::go_on(run.clone(), taken_up)
            }
        }
    }

    fn lease(&self, state: &StateDir, sides: &Sides, id: &RunId) -> Result<Option<Lease>, Error> {
        if !self.writes || self.dry_run {
            return Ok(None);
        }
        let service = sides.source.store.service();
        let target_service = sides.replica.as_ref().map_or(service, |side| side.store.service());
        let pair = Pair {
            source: format!("{service} {}", self.source),
            replica: format!("{target_service} {}", self.target_name()),
            class: "write".to_owned(),
        };
        let read = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
        let holder = Holder {
            pid: std::process::id(),
            host: read("/proc/sys/kernel/hostname").unwrap_or_default(),
            run_id: id.to_string(),
            boot_id: read("/proc/sys/kernel/random/boot_id"),
        };
        Ok(Some(Lease::acquire(&state.leases(), &pair, &holder)?))
    }

    fn check_overlap(&self, sides: &Sides) -> Result<(), Error> {
        let (Target::Replica(location), Some(replica)) = (&self.target, &sides.replica) else {
            return Ok(());
        };
        if sides.source.same_service(replica) && self.source.overlaps(location) {
            let in_place = if self.command == "restore" { "; or restore with --in-place" } else { "" };
            return Err(Error::Invalid(format!(
                "{} and {location} share keys: the target must be another bucket, or prefixes of which neither \
                 starts with the other{in_place}",
                self.source
            )));
        }
        Ok(())
    }
}

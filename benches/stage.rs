//! Whole runs of the engine in this process, against the embedded server in a thread of its own.

use s3twin_engine::Error;
use s3twin_engine::act::{Bandwidth, CopyTools, MemoryTickets};
use s3twin_engine::compare::Rules;
use s3twin_engine::flow::{Clock, Pace, PaceLimits};
use s3twin_engine::journal::{Outcome, RunId, Started, StateDir};
use s3twin_engine::list::{Side, Sides};
use s3twin_engine::model::{Location, Timestamp};
use s3twin_engine::observe::Progress;
use s3twin_engine::plan::{Brakes, Filter, SyncRules};
use s3twin_engine::report::Tally;
use s3twin_engine::run::{AuditJob, Recorder, Session, SyncJob, audit_reading, sync};
use s3twin_engine::s3::aws::{EndpointSettings, StaticCredentials, reach};
use s3twin_engine::s3::{Meter, Paced, RetryPolicy, Store};
use s3twin_engine::verify::pool::CpuPool;
use s3twin_engine::verify::service::DigestService;
use s3twin_fixtures::{ACCESS_KEY, Lab, LabOptions, REGION, SECRET_KEY, Versioning};
use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use tokio_util::sync::CancellationToken;

/// As many ranges at once as the program takes.
const RANGES_MAX: usize = 32;

/// Any failure: a bench has nobody to tell but its reader.
type Outcomes<T> = Result<T, Box<dyn StdError + Send + Sync>>;

/// A server, and a place where runs are remembered.
pub struct Stage {
    lab: Lab,
    state: tempfile::TempDir,
    runs: AtomicU16,
}

impl Stage {
    /// A server of its own on a free port.
    ///
    /// # Errors
    /// When it cannot listen, or there is no place for temporary files.
    pub fn new() -> Outcomes<Self> {
        let lab = Lab::start_blocking(LabOptions::default())?;
        Ok(Self { lab, state: tempfile::tempdir()?, runs: AtomicU16::new(0) })
    }

    /// An empty bucket of this name in place of the one there was.
    ///
    /// # Errors
    /// When the server refuses the name.
    pub fn empty(&self, bucket: &str) -> Outcomes<()> {
        let store = self.lab.store();
        if store.bucket(bucket).is_ok() {
            store.drop_bucket(bucket)?;
        }
        store.create_bucket(bucket, Versioning::Unversioned)?;
        Ok(())
    }

    /// Keys that a bucket of the server holds.
    #[must_use]
    pub fn held(&self, bucket: &str) -> usize {
        self.lab.store().keys(bucket).len()
    }

    /// Audits one bucket against another from their listings.
    ///
    /// # Errors
    /// As the engine's audit.
    pub async fn audit(&self, source: &str, replica: &str) -> Outcomes<Tally> {
        let (sides, session) = self.begin("audit", source, replica).await?;
        let (rules, filter) = (Rules::default(), Filter::default());
        let job = AuditJob { sides, rules, filter, manifest: None, ledger: None };
        let tally = audit_reading(job, None, &session).await;
        Self::end(&session, tally).await
    }

    /// Copies what one bucket has and the other has not.
    ///
    /// # Errors
    /// As the engine's sync.
    pub async fn sync(&self, source: &str, replica: &str) -> Outcomes<Tally> {
        let (sides, session) = self.begin("sync", source, replica).await?;
        let tools = CopyTools {
            digests: DigestService::new(CpuPool::new(1)?),
            memory: MemoryTickets::new(64 << 20),
            bandwidth: Arc::new(Bandwidth::new(None)),
            uploads: Arc::clone(&session.recorder) as _,
            cancel: session.cancel.clone(),
        };
        let job = SyncJob {
            sides,
            rules: Rules::default(),
            filter: Filter::default(),
            sync: SyncRules::default(),
            brakes: Brakes::default(),
            copy: s3twin_engine::act::CopyOptions::default(),
            dry_run: false,
        };
        let tally = sync(job, tools, &session).await;
        Self::end(&session, tally).await
    }

    async fn begin(&self, command: &str, source: &str, replica: &str) -> Outcomes<(Sides, Session)> {
        let (pace, meter) = (Pace::new(PaceLimits::default()), Arc::<Meter>::default());
        let cancel = CancellationToken::new();
        let side = async |bucket: &str| -> Outcomes<Arc<Side>> {
            let location: Location = format!("s3://{bucket}").parse()?;
            let wrap = |store| -> Arc<dyn Store> {
                let (pace, meter) = (Arc::clone(&pace), Arc::clone(&meter));
                Arc::new(Paced::new(Arc::new(store), pace, meter, cancel.clone(), RetryPolicy::default()))
            };
            let store = reach(&self.settings(), bucket, wrap).await.map_err(|error| error.to_string())?;
            Ok(Arc::new(Side::new(store, location)))
        };
        let sides = Sides { source: side(source).await?, replica: Some(side(replica).await?) };
        let number = self.runs.fetch_add(1, Ordering::Relaxed);
        let run = StateDir::new(self.state.path()).create_run(RunId::new(now(), command, number)?)?;
        let started = Started {
            command: command.to_owned(),
            job: serde_json::Value::Null,
            started_at: now(),
            version: "bench".to_owned(),
        };
        let session = Session {
            clock: Clock::new(now),
            cancel: cancel.clone(),
            progress: Arc::new(Progress::new(meter)),
            recorder: Arc::new(Recorder::begin(run, started).await?),
            ranges_max: RANGES_MAX,
        };
        Ok((sides, session))
    }

    async fn end(session: &Session, tally: Result<Tally, Error>) -> Outcomes<Tally> {
        let tally = tally?;
        session.recorder.finish(session.clock.now(), Outcome::Complete, 0).await?;
        // Thousands of iterations would fill the disk.
        std::fs::remove_dir_all(session.recorder.run().path())?;
        Ok(tally)
    }

    fn settings(&self) -> EndpointSettings {
        EndpointSettings {
            endpoint_url: Some(self.lab.endpoint()),
            region: Some(REGION.to_owned()),
            credentials: Some(StaticCredentials {
                access_key: ACCESS_KEY.to_owned(),
                secret_key: SECRET_KEY.to_owned(),
                session_token: None,
            }),
            ..EndpointSettings::default()
        }
    }
}

/// Runs are dated by the machine's clock.
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_seconds(i64::try_from(since.as_secs()).unwrap_or_default())
}

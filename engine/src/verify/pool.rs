//! The bridge from async code to the CPU threads.
//!
//! Hashing must not run on the threads that drive the network, and must not go through a blocking pool
//! that starts a thread per call. One rayon pool serves the process; answers come back by oneshot.
//!
//! Invariant: every call ends. A job that panics gives [`PoolError::Panicked`], never a hang.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Why a computation gave no result.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// The job panicked; the panic message went to standard error.
    #[error("a computation failed unexpectedly")]
    Panicked,
    /// The operating system gave no threads.
    #[error("cannot start computation threads")]
    Start(#[from] rayon::ThreadPoolBuildError),
}

/// CPU threads for async callers. Cheap to clone; clones share the threads.
#[derive(Clone, Debug)]
pub struct CpuPool {
    /// `None` runs everything at once on the caller.
    threads: Option<Arc<rayon::ThreadPool>>,
}

impl CpuPool {
    /// A pool of `threads` threads, or of one per core if zero.
    ///
    /// # Errors
    /// [`PoolError::Start`] if the threads cannot be started.
    pub fn new(threads: usize) -> Result<Self, PoolError> {
        let builder = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = builder.thread_name(|index| format!("cpu-{index}")).build()?;
        Ok(Self { threads: Some(Arc::new(pool)) })
    }

    /// No threads: every job runs at once on its caller, so that a simulation is deterministic.
    #[must_use]
    pub const fn inline() -> Self {
        Self { threads: None }
    }

    /// Whether jobs run on the caller.
    #[must_use]
    pub const fn is_inline(&self) -> bool {
        self.threads.is_none()
    }

    /// The number of threads, one if inline.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.as_ref().map_or(1, |pool| pool.current_num_threads())
    }

    /// Runs `job` on the pool. A call that is dropped before its job has begun still runs it.
    ///
    /// # Errors
    /// [`PoolError::Panicked`] if the job panicked.
    pub async fn run<T, F>(&self, job: F) -> Result<T, PoolError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (answer, result) = oneshot::channel();
        self.spawn(move || {
            // A caller that has gone away is no reason to complain.
            let _ = answer.send(job());
        });
        result.await.map_err(|_| PoolError::Panicked)
    }

    /// Starts `job` after those already waiting. A panic ends with the job.
    pub(super) fn spawn(&self, job: impl FnOnce() + Send + 'static) {
        // Rayon would abort the process on a panic. What the job owned is dropped by the unwinding,
        // and with it the answer's sender: that is how the caller learns.
        let job = || drop(catch_unwind(AssertUnwindSafe(job)));
        match &self.threads {
            Some(pool) => pool.spawn_fifo(job),
            None => job(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn results_and_panics() {
        for pool in [CpuPool::new(2).unwrap(), CpuPool::inline()] {
            assert_eq!(pool.run(|| 6 * 7).await.unwrap(), 42);
            let failed = pool.run(|| -> u32 { panic!("on purpose") }).await;
            assert!(matches!(failed, Err(PoolError::Panicked)));
            assert_eq!(pool.run(|| "alive").await.unwrap(), "alive");
        }
        assert_eq!(CpuPool::new(3).unwrap().threads(), 3);
    }

    #[tokio::test]
    async fn inline_runs_on_the_caller() {
        let here = std::thread::current().id();
        assert_eq!(CpuPool::inline().run(|| std::thread::current().id()).await.unwrap(), here);
        assert_ne!(CpuPool::new(1).unwrap().run(|| std::thread::current().id()).await.unwrap(), here);
    }

    #[tokio::test]
    async fn many_at_once() {
        let pool = CpuPool::new(2).unwrap();
        let sums = futures::future::join_all((0..500u64).map(|i| pool.run(move || i * i))).await;
        assert!(sums.into_iter().zip(0..).all(|(sum, i)| sum.unwrap() == i * i));
    }
}

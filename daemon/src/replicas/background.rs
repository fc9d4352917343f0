//! Threads that yield to everybody else: whoever reads a copy must not feel that it is made anew.

use crate::gate::Registry;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio_util::task::AbortOnDropHandle;
use wharf_protocol::{ApiError, ErrorKind};

/// How far behind other threads these stand, from 0 to 19: a twenty-eighth of their share of a busy processor.
#[cfg(target_os = "linux")]
const NICE: i32 = 15;

/// A runtime whose threads yield; none before it is needed. Threads that are started from its threads, those of the engine that
/// writes a file among them, yield too.
#[derive(Default)]
pub(super) struct Background(Mutex<Option<Runtime>>);

impl Background {
    /// Runs `work` there. It ends with the returned future.
    ///
    /// # Errors
    /// Those of `work`, or that there are no threads to be had.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, ApiError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ApiError>> + Send + 'static,
    {
        let running = AbortOnDropHandle::new(self.with(|runtime| runtime.spawn(work))?);
        running.await.map_err(|e| ApiError::new(ErrorKind::Internal, "panic", e.to_string()))?
    }

    fn with<T>(&self, act: impl FnOnce(&Runtime) -> T) -> Result<T, ApiError> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_none() {
            let made = Builder::new_multi_thread()
                .worker_threads(1)
                .thread_name("replica")
                .on_thread_start(step_back)
                .enable_all()
                .build();
            let made = made.map_err(|e| ApiError::new(ErrorKind::Unavailable, "thread", e.to_string()))?;
            *held = Some(made);
        }
        held.as_ref()
            .map(act)
            .ok_or_else(|| ApiError::new(ErrorKind::Internal, "thread", "the threads are gone"))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        // Waiting for its threads is not allowed on threads of another runtime.
        if let Some(runtime) = self.0.get_mut().unwrap_or_else(PoisonError::into_inner).take() {
            runtime.shutdown_background();
        }
    }
}

/// Pauses for those who wait for an answer: threads of a low priority still share caches, memory and the disk with them.
pub(super) struct Pace {
    registry: Registry,
    resumed: Instant,
}

/// How many times as long as it has worked it pauses at most, so that it gets to its end however busy the machine is.
const REST: u32 = 9;
/// The longest pause.
const LONGEST: Duration = Duration::from_millis(500);
/// How soon it is noticed that nobody waits any more.
const NOTICED: Duration = Duration::from_millis(2);

impl Pace {
    pub(super) fn new(registry: Registry) -> Self {
        Self { registry, resumed: Instant::now() }
    }

    /// Called after each piece of work. Blocking.
    pub(super) fn pause(&mut self) {
        let until = Instant::now() + (self.resumed.elapsed() * REST).min(LONGEST);
        while self.registry.has_readers() && Instant::now() < until {
            std::thread::sleep(NOTICED);
        }
        self.resumed = Instant::now();
    }
}

/// Has this thread yield. Elsewhere than on Linux, priorities are those of processes.
fn step_back() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE) {
        tracing::debug!(%error, "a thread for replicas has an ordinary priority");
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn it_pauses_while_somebody_waits_and_goes_on_all_the_same() {
        let registry = Registry::default();
        let paused = || {
            let mut pace = Pace::new(registry.clone());
            pace.resumed = Instant::now().checked_sub(Duration::from_millis(4)).unwrap();
            let begun = Instant::now();
            pace.pause();
            begun.elapsed()
        };
        let cancel = crate::sources::Cancel::default();
        let own = registry.enter("replica", "owner".to_owned(), &cancel).in_background();
        assert!(!registry.has_readers(), "nobody waits but for it itself");
        let reader = registry.enter("reader", "owner".to_owned(), &cancel);
        assert!(paused() >= Duration::from_millis(36));
        drop((reader, own));
        assert!(!registry.has_readers());
    }

    #[tokio::test]
    async fn its_threads_and_theirs_yield_and_ours_do_not() {
        let nice = || rustix::process::getpriority_process(Some(rustix::thread::gettid())).unwrap();
        let background = Background::default();
        let seen = background.run(async move {
            let own = nice();
            let blocking =
                tokio::task::spawn_blocking(move || std::thread::spawn(nice).join().unwrap()).await;
            Ok((own, blocking.unwrap()))
        });
        assert_eq!(seen.await.unwrap(), (NICE, NICE));
        assert!(nice() < NICE);
    }
}

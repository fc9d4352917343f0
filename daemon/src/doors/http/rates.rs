//! Requests a minute, counted for each principal (or address) and class of route.

use crate::config;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

/// Routes that are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Health checks.
    Health,
    /// Statements, samples, profiles, metric queries.
    Query,
    /// Everything else.
    Metadata,
}

type Limiter = RateLimiter<String, DashMapStateStore<String>, DefaultClock, StateInformationMiddleware>;

/// All counts. Cheap to clone.
#[derive(Clone)]
pub(super) struct Rates(Arc<[Option<(u32, Limiter)>; 3]>);

/// What a client is told of its limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    /// Requests a minute; 0 = no limit.
    pub(super) limit: u32,
    remaining: u32,
    /// Until a request is possible again.
    wait: Duration,
    /// Until all of them are.
    full: Duration,
}

impl Rates {
    pub(super) fn new(rates: config::Rates) -> Self {
        let limiter = |a_minute: u32| {
            let quota = Quota::per_minute(NonZeroU32::new(a_minute)?);
            Some((a_minute, RateLimiter::dashmap(quota).with_middleware::<StateInformationMiddleware>()))
        };
        Self(Arc::new([limiter(rates.health), limiter(rates.query), limiter(rates.metadata)]))
    }

    /// Counts a request; an error when it is one too many.
    pub(super) fn admit(&self, class: Class, key: &String) -> Result<Told, Told> {
        let Some((limit, limiter)) = &self.0[class as usize] else {
            return Ok(Told { limit: 0, remaining: 0, wait: Duration::ZERO, full: Duration::ZERO });
        };
        let one = Duration::from_secs(60) / *limit;
        match limiter.check_key(key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Ok(Told { limit: *limit, remaining, wait: Duration::ZERO, full: one * (limit - remaining) })
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(DefaultClock::default().now());
                Err(Told { limit: *limit, remaining: 0, wait, full: wait + one * (limit - 1) })
            }
        }
    }

    /// Forgets who has not asked for a while.
    pub(super) fn forget(&self) {
        for (_, limiter) in self.0.iter().flatten() {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

impl Told {
    /// Whole seconds until a request is possible again.
    pub(super) fn retry_after(self) -> u64 {
        self.wait.as_secs() + 1
    }

    /// `X-RateLimit-Limit`, `-Remaining` and `-Reset` (seconds since 1970).
    pub(super) fn into_headers(self, headers: &mut HeaderMap) {
        if self.limit == 0 {
            return;
        }
        let reset = (crate::clock::now() + self.full).timestamp() + 1;
        for (name, value) in [
            ("x-ratelimit-limit", HeaderValue::from(self.limit)),
            ("x-ratelimit-remaining", HeaderValue::from(self.remaining)),
            ("x-ratelimit-reset", HeaderValue::from(reset)),
        ] {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_and_class_has_a_count_of_its_own() {
        let rates = Rates::new(config::Rates { metadata: 3, query: 1, health: 0 });
        let (a, b) = ("a".to_owned(), "b".to_owned());
        let left: Vec<u32> = (0..3).map(|_| rates.admit(Class::Metadata, &a).unwrap().remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        let told = rates.admit(Class::Metadata, &a).unwrap_err();
        assert!(told.limit == 3 && (1..=21).contains(&told.retry_after()), "{told:?}");
        assert!(rates.admit(Class::Metadata, &b).is_ok() && rates.admit(Class::Query, &a).is_ok());
        assert!(rates.admit(Class::Query, &a).is_err());
        assert!((0..5000).all(|_| rates.admit(Class::Health, &a).is_ok()));
    }
}

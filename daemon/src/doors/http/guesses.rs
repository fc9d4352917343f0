//! Wrong credentials by address: after a number of them in a minute nothing more is looked at until the minute is over.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const MINUTE: Duration = Duration::from_secs(60);
/// Addresses remembered at once; those whose minute is over are forgotten first.
const ADDRESSES: usize = 10_000;

/// The count. Cheap to clone.
#[derive(Clone)]
pub(super) struct Guesses {
    /// In a minute; 0 = as many as one likes.
    most: u32,
    all: Arc<Mutex<HashMap<IpAddr, (Instant, u32)>>>,
}

impl Guesses {
    /// So many wrong ones in a minute.
    pub(super) fn new(most: u32) -> Self {
        Self { most, all: Arc::default() }
    }

    /// Counts one more; whether it is the first of its minute.
    pub(super) fn count(&self, address: IpAddr) -> bool {
        let mut all = self.all();
        if all.len() >= ADDRESSES && !all.contains_key(&network(address)) {
            all.retain(|_, (begun, _)| begun.elapsed() < MINUTE);
            if all.len() >= ADDRESSES {
                return false;
            }
        }
        let entry = all.entry(network(address)).or_insert((Instant::now(), 0));
        if entry.0.elapsed() >= MINUTE {
            *entry = (Instant::now(), 0);
        }
        entry.1 += 1;
        entry.1 == 1
    }

    /// The seconds for which an address has to wait, if it has.
    pub(super) fn barred(&self, address: IpAddr) -> Option<u64> {
        let (begun, count) = *self.all().get(&network(address))?;
        let left = MINUTE.checked_sub(begun.elapsed())?;
        (self.most > 0 && count >= self.most).then(|| left.as_secs() + 1)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<IpAddr, (Instant, u32)>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who has one IPv6 address has all of its /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::from((u128::from(v6) & !u128::from(u64::MAX)).to_be_bytes()),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eleventh_guess_of_an_address_waits_and_others_do_not() {
        let guesses = Guesses::new(10);
        let here: IpAddr = "192.0.2.1".parse().unwrap();
        assert_eq!((0..10).filter(|_| guesses.count(here)).count(), 1);
        assert!(guesses.barred(here).is_some_and(|wait| (1..=60).contains(&wait)));
        assert!(guesses.barred("192.0.2.2".parse().unwrap()).is_none());
        let six: IpAddr = "2001:db8::1".parse().unwrap();
        assert!((0..10).any(|_| guesses.count(six)));
        (1..10).for_each(|_| assert!(!guesses.count(six)));
        assert!(guesses.barred("2001:db8::ffff".parse().unwrap()).is_some());
        assert!(guesses.barred("2001:db8:0:1::1".parse().unwrap()).is_none());
        assert!(guesses.barred("::ffff:192.0.2.1".parse().unwrap()).is_some());
    }
}

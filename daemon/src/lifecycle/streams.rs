//! Streams of events that are open, by who reads them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The count. Cheap to clone.
#[derive(Clone, Default)]
pub struct Streams(Arc<Mutex<HashMap<String, u64>>>);

/// One of them; it is open until it is dropped.
pub struct OpenStream {
    streams: Streams,
    whose: String,
}

impl Streams {
    /// Opens one more of somebody's; none when they have `most` already.
    pub fn open(&self, whose: String, most: Option<u64>) -> Option<OpenStream> {
        let mut all = self.all();
        let open = all.get(&whose).copied().unwrap_or_default();
        if most.is_some_and(|most| open >= most) {
            return None;
        }
        all.insert(whose.clone(), open + 1);
        tell(&all);
        drop(all);
        Some(OpenStream { streams: self.clone(), whose })
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut all = self.streams.all();
        if let Some(open) = all.get_mut(&self.whose) {
            *open -= 1;
            if *open == 0 {
                all.remove(&self.whose);
            }
        }
        tell(&all);
    }
}

fn tell(all: &HashMap<String, u64>) {
    crate::measures::now("wharf_streams", all.values().sum());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_may_have_so_many_and_a_closed_one_makes_room() {
        let streams = Streams::default();
        let open = |whose: &str| streams.open(whose.to_owned(), Some(2));
        let (first, _second) = (open("a"), open("a"));
        assert!(first.is_some() && open("a").is_none() && open("b").is_some());
        drop(first);
        assert!(open("a").is_some());
        assert!((0..9).all(|_| streams.open("owner".to_owned(), None).is_some()));
    }
}

//! Statements that were admitted before. Agents send the same few texts again and again, and asking the engine's parser takes
//! longer than all the rest of the gate.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use wharf_policy::{Checked, Denial, DuckdbParser, Policy};

/// Verdicts kept at once.
const KEPT: usize = 1000;
/// The longest text whose verdict is kept, in bytes.
const TEXT: usize = 16 * 1024;

/// Verdicts by a digest of text and policy: whatever a verdict depends on is in it, so none is ever out of date. A denial is not
/// kept, because it may come of a parser that could not be asked.
#[derive(Default)]
pub(super) struct Verdicts(Mutex<HashMap<[u8; 32], Arc<Checked>>>);

impl Verdicts {
    /// See [`wharf_policy::check`].
    pub(super) fn check(
        &self,
        sql: &str,
        policy: &Policy,
        parser: &dyn DuckdbParser,
    ) -> Result<Checked, Denial> {
        if sql.len() > TEXT {
            return wharf_policy::check(sql, policy, parser);
        }
        let mut digest = Digest(blake3::Hasher::new());
        (sql, policy).hash(&mut digest);
        let key = *digest.0.finalize().as_bytes();
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(known) = known {
            return Ok(Checked::clone(&known));
        }
        let checked = wharf_policy::check(sql, policy, parser)?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= KEPT {
            all.clear();
        }
        all.insert(key, Arc::new(checked.clone()));
        Ok(checked)
    }
}

/// Takes what is hashed into a digest that nobody can make collide.
struct Digest(blake3::Hasher);

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = *self.0.finalize().as_bytes();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use wharf_policy::{Dialect, ParserUnavailable, TableName};

    /// Counts how often it is asked, and never answers.
    struct Counting(AtomicU32);

    impl DuckdbParser for Counting {
        fn serialize(&self, _: &str) -> Result<String, ParserUnavailable> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Err(ParserUnavailable("asked".to_owned()))
        }
    }

    #[test]
    fn a_verdict_is_for_one_text_under_one_policy_and_a_denial_is_not_kept() {
        let verdicts = Verdicts::default();
        let table = |name: &str| TableName::new("shop", "main", name);
        let policy = |names: &[&str]| {
            Policy::new(Dialect::Postgres, names.iter().map(|n| table(n)).collect(), "shop", "main")
        };
        let parser = Counting(AtomicU32::new(0));
        let check = |sql: &str, names: &[&str]| verdicts.check(sql, &policy(names), &parser);
        let kept = || verdicts.0.lock().unwrap().len();
        let first = check("select 1 from orders", &["orders"]).unwrap();
        assert_eq!(check("select 1 from orders", &["orders"]).unwrap(), first);
        assert_eq!(kept(), 1);
        // The same text where the table is not allowed, and where it is another's.
        assert!(check("select 1 from orders", &["items"]).is_err());
        assert!(check("select 1 from orders", &[]).is_err());
        assert_eq!(kept(), 1);
        check("select 1 from orders", &["orders", "items"]).unwrap();
        check("select 2 from orders", &["orders"]).unwrap();
        assert_eq!(kept(), 3);
        let duckdb = Policy::new(Dialect::Duckdb, vec![table("orders")], "shop", "main");
        for asked in 1..3 {
            assert!(verdicts.check("select 1 from orders", &duckdb, &parser).is_err());
            assert_eq!(parser.0.load(Ordering::Relaxed), asked, "it is asked again");
        }
        for n in 0..KEPT + 10 {
            check(&format!("select {n} from orders"), &["orders"]).unwrap();
        }
        assert!(kept() <= KEPT);
    }
}

//! Which lines are asked for, and a page of them.

use super::Audit;
use super::entry::Line;
use super::note::Note;
use super::read::Order;
use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta, Utc};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use wharf_protocol::{ApiError, ErrorKind};

/// What a line must say to be wanted. All that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    since: Option<String>,
    until: Option<String>,
    before: Option<u64>,
    after: Option<u64>,
    said: BTreeMap<&'static str, String>,
}

/// What can be asked of an entry.
const SAID: [&str; 9] =
    ["principal", "swarm", "tenant", "action", "source", "outcome", "table", "request_id", "text"];

impl Filter {
    /// Takes what it knows out of the parameters of a request; the rest stays for the caller.
    ///
    /// `since` and `until` are times: RFC 3339, a date, or a length of time before `now` such as `2h`; `before` and
    /// `after` are line numbers, which are not included.
    ///
    /// # Errors
    /// When a value is no time or no number.
    pub fn take(parameters: &mut BTreeMap<String, String>, now: DateTime<Utc>) -> Result<Self, ApiError> {
        let invalid = |message: String| ApiError::new(ErrorKind::Invalid, "filter", message);
        let mut filter = Self::default();
        for (name, end) in [("since", &mut filter.since), ("until", &mut filter.until)] {
            let Some(text) = parameters.remove(name) else { continue };
            let time = time(&text, now).ok_or_else(|| {
                invalid(format!("`{name}` is not a time: `{text}`")).hint(
                    "give one such as 2h, 3d, 2026-11-21, 2026-11-21T15:00 or 2026-11-21T15:00:00+01:00",
                )
            })?;
            *end = Some(time.to_rfc3339_opts(SecondsFormat::Micros, true));
        }
        for (name, end) in [("before", &mut filter.before), ("after", &mut filter.after)] {
            let Some(text) = parameters.remove(name) else { continue };
            let number =
                text.parse().map_err(|_| invalid(format!("`{name}` is not a line number: `{text}`")))?;
            *end = Some(number);
        }
        for name in SAID {
            if let Some(text) = parameters.remove(name) {
                filter.said.insert(name, text.to_lowercase());
            }
        }
        Ok(filter)
    }

    /// The same, behind this line.
    #[must_use]
    pub fn behind(mut self, seq: u64) -> Self {
        self.after = Some(self.after.map_or(seq, |after| after.max(seq)));
        self
    }

    pub(super) fn after(&self) -> Option<u64> {
        self.after
    }

    /// Whether no line that comes later in this order can be wanted.
    pub(super) fn is_past(&self, seq: u64, order: Order) -> bool {
        match order {
            Order::Newest => self.after.is_some_and(|after| seq <= after),
            Order::Oldest => self.before.is_some_and(|before| seq >= before),
        }
    }

    /// Whether a line is wanted. Times are compared as texts, which all have the same form; the entry is read only if
    /// something is asked of it.
    pub(super) fn takes(&self, seq: u64, at: &str, line: &[u8]) -> bool {
        let in_time = self.since.as_deref().is_none_or(|since| at >= since)
            && self.until.as_deref().is_none_or(|until| at < until);
        let in_place =
            self.before.is_none_or(|before| seq < before) && self.after.is_none_or(|after| seq > after);
        if !in_time || !in_place || self.said.is_empty() {
            return in_time && in_place;
        }
        let Ok(line) = serde_json::from_slice::<Line>(line) else { return false };
        self.said.iter().all(|(name, wanted)| says(&line.entry, name, wanted))
    }

    /// Whether every line is wanted.
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether an entry says what is wanted, which is in lower case.
fn says(entry: &super::Entry, name: &str, wanted: &str) -> bool {
    let is = |text: &str| text.to_lowercase() == wanted;
    let may_be = |text: &Option<String>| text.as_deref().is_some_and(is);
    let contains = |text: &str| text.to_lowercase().contains(wanted);
    match name {
        "principal" => {
            let bare = entry.principal.trim_end_matches(" as agent");
            let named = bare.split_once(':').map(|(_, name)| name);
            is(&entry.principal) || is(bare) || named.is_some_and(is)
        }
        "swarm" => may_be(&entry.swarm),
        "tenant" => may_be(&entry.tenant),
        "source" => may_be(&entry.source),
        "action" => is(&entry.action),
        "outcome" => is(&entry.outcome),
        "request_id" => is(&entry.request_id),
        "table" => entry.tables.iter().any(|table| is_named(&table.to_lowercase(), wanted)),
        _ => {
            contains(&entry.statement)
                || entry.reason.as_deref().is_some_and(contains)
                || entry.tables.iter().any(|table| contains(table))
        }
    }
}

/// Whether `wanted` is the table's name or its last parts, or the file's path or its last parts.
fn is_named(table: &str, wanted: &str) -> bool {
    let rest = table.strip_suffix(wanted);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with(['.', '/']))
}

/// Reads a time: RFC 3339, a date or a date with a time (both UTC), or a length of time before `now`.
fn time(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let midnight = |date: NaiveDate| date.and_time(NaiveTime::MIN);
    let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"];
    let found = match DateTime::parse_from_rfc3339(text) {
        Ok(time) => time.with_timezone(&Utc),
        Err(_) => local
            .iter()
            .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
            .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(midnight))
            .map(|time| time.and_utc())
            .or_else(|| before(text, now))?,
    };
    // Beyond these years a time is written differently, and could not be compared as text.
    let year = found.format("%Y").to_string();
    (year.len() == 4).then_some(found)
}

fn before(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at(split);
    let n: u64 = digits.parse().ok()?;
    let seconds = |each: u64| i64::try_from(n.checked_mul(each)?).ok().and_then(TimeDelta::try_seconds);
    match unit {
        "s" => now.checked_sub_signed(seconds(1)?),
        "m" => now.checked_sub_signed(seconds(60)?),
        "h" => now.checked_sub_signed(seconds(3600)?),
        "d" => now.checked_sub_days(Days::new(n)),
        "w" => now.checked_sub_days(Days::new(n.checked_mul(7)?)),
        _ => None,
    }
}

/// A page of lines, the newest first.
pub struct Page {
    /// The lines as they stand in the files.
    pub lines: Vec<Box<RawValue>>,
    /// How many lines fit on all pages.
    pub total: u64,
}

/// A page may have this many bytes.
const PAGE_BYTES: usize = 64 << 20;

impl Audit {
    /// The lines of a page, of which the first is 1. With a filter the whole log is read, to count what fits.
    ///
    /// # Errors
    /// When the files cannot be read, or the page is too large to be held.
    pub async fn page(&self, filter: Filter, page: u64, size: u64) -> Result<Page, ApiError> {
        let note = Note::load(&self.0.state, false).await?;
        let audit = self.clone();
        let read = tokio::task::spawn_blocking(move || audit.read_page(filter, page, size, &note));
        read.await.map_err(|e| ApiError::new(ErrorKind::Internal, "audit", e.to_string()))?
    }

    fn read_page(&self, filter: Filter, page: u64, size: u64, note: &Note) -> Result<Page, ApiError> {
        let all = filter.is_empty();
        let skipped = page.saturating_sub(1).saturating_mul(size);
        let (mut lines, mut total, mut bytes) = (Vec::new(), 0, 0);
        let mut found = self.lines(filter, Order::Newest)?;
        while let Some(line) = found.read()? {
            if total >= skipped && total - skipped < size {
                bytes += line.len();
                if bytes > PAGE_BYTES {
                    let message = format!("the page has more than {} MiB", PAGE_BYTES >> 20);
                    return Err(ApiError::new(ErrorKind::Limit, "page_too_large", message)
                        .hint("ask for a smaller page_size, or use the export"));
                }
                lines.push(raw(line)?);
            }
            total += 1;
            if all && total - skipped.min(total) >= size {
                // Nothing is left out, so the numbers of the lines tell how many there are.
                total = self.head().seq.max(note.known.head.seq).saturating_sub(note.before.seq).max(total);
                break;
            }
        }
        Ok(Page { lines, total })
    }
}

fn raw(line: Vec<u8>) -> Result<Box<RawValue>, ApiError> {
    let failed =
        |e: String| ApiError::new(ErrorKind::Failed, "audit_damaged", format!("a line cannot be read: {e}"));
    let text = String::from_utf8(line).map_err(|e| failed(e.to_string()))?;
    RawValue::from_string(text).map_err(|e| failed(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::Entry;
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-21T15:30:00Z".parse().unwrap()
    }

    #[test]
    fn times_are_read_in_many_forms_and_nonsense_is_none() {
        let cases = [
            ("2h", "2026-11-21T13:30:00+00:00"),
            ("90s", "2026-11-21T15:28:30+00:00"),
            ("3d", "2026-11-18T15:30:00+00:00"),
            ("1w", "2026-11-14T15:30:00+00:00"),
            ("2026-11-20", "2026-11-20T00:00:00+00:00"),
            ("2026-11-20T08:15", "2026-11-20T08:15:00+00:00"),
            ("2026-11-20 08:15:01.5", "2026-11-20T08:15:01.500+00:00"),
            ("2026-11-20T08:15:00+01:00", "2026-11-20T07:15:00+00:00"),
        ];
        for (text, expected) in cases {
            assert_eq!(time(text, now()).unwrap().to_rfc3339(), expected, "{text}");
        }
        for text in [
            "",
            "h",
            "2",
            "2x",
            "-2h",
            "99999999999999999999d",
            "18446744073709551615w",
            "2026-13-01",
            "+12000-01-01T00:00:00Z",
            "soon",
        ] {
            assert_eq!(time(text, now()), None, "{text}");
        }
    }

    #[test]
    fn an_entry_is_found_by_what_it_says() {
        let entry = Entry {
            principal: "user:Alice".into(),
            action: "query".into(),
            tables: vec!["shop.main.orders".into(), "/data/in/Sales.csv".into()],
            statement: "select Größe from orders".into(),
            ..Entry::default()
        };
        let hits = [
            ("principal", "user:alice"),
            ("principal", "alice"),
            ("table", "orders"),
            ("table", "main.orders"),
            ("table", "sales.csv"),
            ("text", "größe"),
            ("action", "query"),
        ];
        for (name, wanted) in hits {
            assert!(says(&entry, name, wanted), "{name} {wanted}");
        }
        let misses =
            [("principal", "ali"), ("table", "rders"), ("swarm", "x"), ("text", "drop"), ("request_id", "1")];
        for (name, wanted) in misses {
            assert!(!says(&entry, name, wanted), "{name} {wanted}");
        }
        let agent = Entry { principal: "owner as agent".into(), ..Entry::default() };
        assert!(says(&agent, "principal", "owner") && says(&agent, "principal", "owner as agent"));
    }

    #[test]
    fn a_filter_takes_what_it_knows_and_names_what_does_not_fit() {
        let mut parameters: BTreeMap<String, String> = [("since", "1h"), ("table", "T"), ("page", "2")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into();
        let filter = Filter::take(&mut parameters, now()).unwrap();
        assert_eq!(filter.since.as_deref(), Some("2026-11-21T14:30:00.000000Z"));
        assert_eq!(parameters.keys().collect::<Vec<_>>(), ["page"]);
        for (name, text) in [("since", "soon"), ("after", "-1"), ("before", "x")] {
            let mut parameters = [(name.to_owned(), text.to_owned())].into();
            let error = Filter::take(&mut parameters, now()).unwrap_err();
            assert!(error.message.contains(name) && error.message.contains(text), "{}", error.message);
        }
    }
}

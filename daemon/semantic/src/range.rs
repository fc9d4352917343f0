//! The time range of a query.

use crate::MetricQuery;
use crate::error::{QueryError, QueryErrorKind as Kind};
use crate::grain::Grain;
use crate::time::{self, Moment};

/// From when to when, both included.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Range {
    pub start: Option<Moment>,
    pub end: Option<Moment>,
}

impl Range {
    pub(crate) fn read(query: &MetricQuery) -> Result<Self, QueryError> {
        let read = |text: &Option<String>, name: &str| match text {
            None => Ok(None),
            Some(text) => Moment::parse(text).map(Some).ok_or_else(|| {
                QueryError::new(Kind::BadTimeRange, format!("{name} `{text}` is no date"))
                    .hint("write 2024-01-31 or 2024-01-31T18:00:00")
            }),
        };
        let range =
            Self { start: read(&query.start_time, "start_time")?, end: read(&query.end_time, "end_time")? };
        if let (Some(start), Some(end)) = (range.start, range.end) {
            let last = if end.has_time { end.at } else { time::next(end.at, Grain::Day) };
            let empty = if end.has_time { start.at > last } else { start.at >= last };
            if empty {
                let text = |t: &Option<String>| t.clone().unwrap_or_default();
                let message = format!(
                    "start_time `{}` lies after end_time `{}`",
                    text(&query.start_time),
                    text(&query.end_time)
                );
                return Err(QueryError::new(Kind::BadTimeRange, message).hint("swap the two"));
            }
        }
        Ok(range)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.start.is_none() && self.end.is_none()
    }

    /// The first instant included and the first one excluded, for facts of a grain asked by another.
    pub(crate) fn bounds(
        &self,
        base: Grain,
        asked: Option<Grain>,
    ) -> (Option<chrono::NaiveDateTime>, Option<chrono::NaiveDateTime>) {
        let start = self.start.map(|start| match asked {
            Some(grain) => time::floor(start.at, grain),
            None if base > Grain::Day => time::ceil(start.at, base),
            None => time::floor(start.at, base),
        });
        let end = self.end.map(|end| {
            let whole = if end.has_time { base } else { base.max(Grain::Day) };
            let grain = asked.map_or(whole, |asked| asked.max(whole));
            time::next(time::floor(end.at, grain), grain)
        });
        (start, end)
    }
}

//! What an item reference stands for once it is looked up.

use crate::expr::{Fault, ItemKind, ItemRef};
use crate::grain::{DatePart, Grain};
use crate::names::METRIC_TIME;

/// A grain to truncate to: a standard one or one of the user's own calendar.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum AnyGrain {
    Standard(Grain),
    Custom(String),
}

impl AnyGrain {
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Standard(grain) => grain.name(),
            Self::Custom(name) => name,
        }
    }

    /// The standard grain that values of this grain need at least: a custom period begins on a day.
    pub(crate) const fn needs(&self) -> Grain {
        match self {
            Self::Standard(grain) => *grain,
            Self::Custom(_) => Grain::Day,
        }
    }
}

/// How a time is asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum TimeForm {
    /// The start of its period.
    Grain(AnyGrain),
    /// A number out of it.
    Part(DatePart),
}

impl TimeForm {
    /// The grain that the column must have at most.
    pub(crate) const fn needs(&self) -> Grain {
        match self {
            Self::Grain(grain) => grain.needs(),
            Self::Part(part) => part.needs(),
        }
    }

    fn suffix(&self) -> String {
        match self {
            Self::Grain(grain) => grain.name().to_owned(),
            Self::Part(part) => format!("extract_{}", part.name()),
        }
    }
}

/// An item by its full name, the same for every table it is reached from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ItemKey {
    /// A dimension or entity.
    Element { full: String, time: Option<TimeForm> },
    /// The metric's own time.
    MetricTime(TimeForm),
    /// A metric per entity, in a filter: metric and what it is grouped by.
    Metric { name: String, group_by: Vec<String> },
}

impl ItemKey {
    /// The name of the output column.
    pub(crate) fn column(&self) -> String {
        match self {
            Self::Element { full, time: None } => full.clone(),
            Self::Element { full, time: Some(time) } => format!("{full}__{}", time.suffix()),
            Self::MetricTime(time) => format!("{METRIC_TIME}__{}", time.suffix()),
            Self::Metric { name, group_by } => format!("{}__{name}", group_by.join("__")),
        }
    }

    pub(crate) const fn time(&self) -> Option<&TimeForm> {
        match self {
            Self::Element { time, .. } => time.as_ref(),
            Self::MetricTime(time) => Some(time),
            Self::Metric { .. } => None,
        }
    }

    pub(crate) const fn is_metric_time(&self) -> bool {
        matches!(self, Self::MetricTime(_))
    }
}

/// Refuses a filter item that names a dimension without its entity.
pub(crate) fn needs_prefix(item: &ItemRef) -> Result<(), Fault> {
    let dimension = matches!(item.kind, ItemKind::Dimension | ItemKind::TimeDimension);
    if dimension && item.path.is_empty() && item.element != METRIC_TIME {
        let name = &item.element;
        return Err(Fault::new(format!("`{name}` in `{}` has no entity before it", item.text.trim()))
            .hint(format!("write the full name, `<entity>__{name}`")));
    }
    Ok(())
}

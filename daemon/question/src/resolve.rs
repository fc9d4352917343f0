//! Resolve: which of the items that a phrase may mean is the nearest one the metrics can reach.
//!
//! The rule: only items that every metric has; then the dimension said or the entity said beside it; then the fewest
//! joins; then what the session already uses; then names before keys. What is still equal is asked back.

use crate::draft::{Choice, FilterAsk, TestAsk};
use crate::plan::{Filter, Plan, Test};
use crate::reading::{CannotKind, Trouble, listed};
use crate::vocabulary::{DimensionKind, Vocabulary};

/// Picks items for a fixed set of metrics.
pub(crate) struct Resolver<'a> {
    pub(crate) vocabulary: &'a Vocabulary,
    pub(crate) entities: &'a [String],
    pub(crate) metrics: &'a [usize],
    /// Items the plan already groups or filters by.
    pub(crate) used: Vec<usize>,
}

impl<'a> Resolver<'a> {
    pub(crate) fn new(
        vocabulary: &'a Vocabulary,
        entities: &'a [String],
        metrics: &'a [usize],
        plan: &Plan,
    ) -> Self {
        let mut resolver = Self { vocabulary, entities, metrics, used: Vec::new() };
        for name in plan
            .groups
            .iter()
            .map(crate::plan::Group::column)
            .chain(plan.filters.iter().map(|f| f.dimension.clone()))
        {
            resolver.used.extend(vocabulary.dimensions.iter().position(|term| term.name == name));
        }
        resolver
    }

    /// Whether every metric can be grouped and filtered by the item.
    pub(crate) fn reaches(&self, item: usize) -> bool {
        self.metrics.iter().all(|metric| {
            self.vocabulary.metrics.get(*metric).is_some_and(|metric| metric.dimensions.contains(&item))
        })
    }

    /// The entity whose rows the first metric counts.
    fn home(&self) -> Option<&str> {
        let mut homes =
            self.metrics.iter().filter_map(|at| self.vocabulary.metrics.get(*at)?.entity.as_deref());
        let first = homes.next()?;
        homes.all(|other| other == first).then_some(first)
    }

    /// The one item a phrase means.
    pub(crate) fn item(&self, choice: &Choice) -> Result<usize, Trouble> {
        let reachable: Vec<usize> = choice.items.iter().copied().filter(|item| self.reaches(*item)).collect();
        if reachable.is_empty() {
            return Err(self.unreachable(&choice.text));
        }
        self.nearest(reachable, &choice.text)
    }

    fn nearest(&self, mut items: Vec<usize>, text: &str) -> Result<usize, Trouble> {
        items.sort_unstable();
        items.dedup();
        let key = |item: &usize| self.vocabulary.dimensions[*item].kind == DimensionKind::EntityKey;
        if items.iter().any(|item| !key(item)) {
            items.retain(|item| !key(item));
        }
        let home = self.home();
        let fewest = items.iter().map(|item| self.vocabulary.dimensions[*item].hops(home)).min().unwrap_or(0);
        items.retain(|item| self.vocabulary.dimensions[*item].hops(home) == fewest);
        if items.len() > 1 && items.iter().any(|item| self.used.contains(item)) {
            items.retain(|item| self.used.contains(item));
        }
        match items.as_slice() {
            [one] => Ok(*one),
            several => Err(self.ambiguous(several, text)),
        }
    }

    /// The filter a condition means.
    pub(crate) fn filter(&self, ask: &FilterAsk) -> Result<Filter, Trouble> {
        let candidates: Vec<usize> = match &ask.test {
            TestAsk::Value(pairs) => pairs.iter().map(|(dimension, _)| *dimension).collect(),
            TestAsk::True(items) => items.clone(),
            TestAsk::Text(_) => ask.said.clone(),
        };
        let mut items: Vec<usize> = candidates.into_iter().filter(|item| self.reaches(*item)).collect();
        if let TestAsk::Text(text) = &ask.test {
            items.retain(|item| self.vocabulary.dimensions[*item].values.contains(text));
        }
        narrow(&mut items, |item| ask.said.contains(item));
        let nouns: Vec<&str> =
            ask.noun.iter().filter_map(|at| self.entities.get(*at)).map(String::as_str).collect();
        narrow(&mut items, |item| {
            self.vocabulary.dimensions[*item].entity().is_some_and(|entity| nouns.contains(&entity))
        });
        narrow(&mut items, |item| {
            self.vocabulary.dimensions[*item].entities().iter().any(|entity| nouns.contains(entity))
        });
        narrow(&mut items, |item| self.used.contains(item));
        if items.is_empty() {
            return Err(self.unreachable(&ask.text));
        }
        let item = self.nearest(items, &ask.text)?;
        Ok(self.filter_on(item, ask))
    }

    fn filter_on(&self, item: usize, ask: &FilterAsk) -> Filter {
        let term = &self.vocabulary.dimensions[item];
        let values = match &ask.test {
            TestAsk::True(_) => {
                return Filter { dimension: term.name.clone(), test: Test::True(!ask.negated) };
            }
            TestAsk::Text(text) => vec![text.clone()],
            TestAsk::Value(pairs) => {
                let here = pairs.iter().filter(|(dimension, _)| *dimension == item);
                let mut values: Vec<String> =
                    here.filter_map(|(_, at)| term.values.get(*at).cloned()).collect();
                // Values that differ only in their spelling: the one as typed, else all of them.
                if values.contains(&ask.text) {
                    values = vec![ask.text.clone()];
                }
                values
            }
        };
        let test = if ask.negated { Test::NotIn(values) } else { Test::In(values) };
        Filter { dimension: term.name.clone(), test }
    }

    fn titles(&self) -> String {
        let titles: Vec<String> = self
            .metrics
            .iter()
            .filter_map(|at| self.vocabulary.metrics.get(*at))
            .map(crate::vocabulary::MetricTerm::title)
            .collect();
        listed(&titles)
    }

    fn unreachable(&self, text: &str) -> Trouble {
        let message = format!("{} cannot be split or filtered by “{text}”", self.titles());
        let mut trouble =
            Trouble::new(CannotKind::NotAvailable, message, "ask by one of the dimensions offered");
        trouble.metrics = self.metrics.into();
        trouble
    }

    fn ambiguous(&self, items: &[usize], text: &str) -> Trouble {
        let names: Vec<String> =
            items.iter().map(|item| self.vocabulary.dimensions[*item].name.clone()).collect();
        let message = format!("“{text}” can mean {}", listed(&names).replace(" and ", " or "));
        let mut trouble = Trouble::new(
            CannotKind::Ambiguous,
            message,
            "say which one, for example with the word before the name",
        );
        trouble.choices = names;
        trouble.metrics = self.metrics.into();
        trouble
    }
}

/// Keeps the items that pass, unless none does.
fn narrow(items: &mut Vec<usize>, pass: impl Fn(&usize) -> bool) {
    if items.iter().any(&pass) {
        items.retain(pass);
    }
}

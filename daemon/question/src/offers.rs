//! Offers: questions near the one asked that do work.

use std::collections::HashSet;

use crate::reading::{Offer, Trouble};
use crate::summary::dimension_words;
use crate::token::{self, Token};
use crate::vocabulary::{DimensionKind, MetricTerm, Vocabulary};
use crate::words;

/// The most offers made.
const MOST: usize = 8;

/// Questions near the one asked, nearest first. `works` reads a candidate; only those that can be answered are kept.
pub(crate) fn offers(
    vocabulary: &Vocabulary,
    tokens: &[Token],
    trouble: &Trouble,
    works: impl Fn(&str) -> bool,
) -> Vec<Offer> {
    let near = Nearness::new(tokens, trouble);
    let mut offers: Vec<Offer> = Vec::new();
    let mut keep = |texts: &[String], names: Vec<String>| {
        if offers.len() >= MOST || offers.iter().any(|offer| offer.names == names) {
            return;
        }
        if let Some(text) = texts.iter().find(|text| works(text)) {
            offers.push(Offer { text: text.clone(), names });
        }
    };
    if let Some(metric) = trouble.metrics.first().and_then(|at| vocabulary.metrics.get(*at)) {
        for item in items(vocabulary, metric, trouble, &near) {
            let term = &vocabulary.dimensions[item];
            let spaced = term.name.replace("__", " ").replace('_', " ");
            let texts = [
                format!("{} by {}", metric.title(), dimension_words(term)),
                format!("{} by {spaced}", metric.title()),
                format!("{} by {spaced}", metric.name),
            ];
            keep(&texts, vec![metric.name.clone(), term.name.clone()]);
        }
        if metric.has_time {
            keep(
                &[format!("{} by month", metric.title()), format!("{} by month", metric.name)],
                vec![metric.name.clone()],
            );
        }
        return offers;
    }
    for metric in metrics(vocabulary, &near) {
        keep(
            &[metric.title(), metric.name.clone(), format!("{} by month", metric.name)],
            vec![metric.name.clone()],
        );
    }
    offers
}

/// The dimensions of a metric, those asked about first, then the nearest.
fn items(vocabulary: &Vocabulary, metric: &MetricTerm, trouble: &Trouble, near: &Nearness) -> Vec<usize> {
    let mut items: Vec<usize> =
        metric.dimensions.iter().copied().filter(|at| *at < vocabulary.dimensions.len()).collect();
    items.retain(|at| {
        trouble.choices.is_empty() || trouble.choices.contains(&vocabulary.dimensions[*at].name)
    });
    items.retain(|at| vocabulary.dimensions[*at].name.split("__").next() != Some("metric_time"));
    items.sort_by_cached_key(|at| {
        let term = &vocabulary.dimensions[*at];
        let names = [Some(term.element().to_owned()), term.label.clone(), term.description.clone()];
        let score = near.score(&names.into_iter().flatten().chain(term.synonyms.clone()).collect::<Vec<_>>());
        let kind = match term.kind {
            DimensionKind::Categorical => 0,
            DimensionKind::Boolean => 1,
            DimensionKind::Number => 2,
            DimensionKind::EntityKey => 3,
            DimensionKind::Time { .. } => 4,
        };
        (std::cmp::Reverse(score), kind, term.hops(metric.entity.as_deref()), *at)
    });
    items
}

/// All metrics, the nearest first, plain ones before those with long labels.
fn metrics<'a>(vocabulary: &'a Vocabulary, near: &Nearness) -> Vec<&'a MetricTerm> {
    let mut metrics: Vec<&MetricTerm> = vocabulary.metrics.iter().collect();
    metrics.sort_by_cached_key(|metric| {
        let names = [Some(metric.name.clone()), metric.label.clone(), metric.description.clone()];
        let score =
            near.score(&names.into_iter().flatten().chain(metric.synonyms.clone()).collect::<Vec<_>>());
        (std::cmp::Reverse(score), metric.needs_time, token::stems(&metric.title()).len())
    });
    metrics
}

/// What the words of a question that were not understood have in common with names.
struct Nearness {
    stems: HashSet<String>,
    families: Vec<&'static HashSet<String>>,
}

impl Nearness {
    fn new(tokens: &[Token], trouble: &Trouble) -> Self {
        let unknown: HashSet<String> = trouble.unknown.iter().flat_map(|word| token::stems(word)).collect();
        let plain = |token: &&Token| !words::is_filler(&token.norm);
        let asked = tokens.iter().filter(plain).map(|token| token.stem.clone());
        let stems: HashSet<String> = if unknown.is_empty() { asked.collect() } else { unknown };
        let families = words::FAMILY_STEMS.iter().filter(|family| !family.is_disjoint(&stems)).collect();
        Self { stems, families }
    }

    /// Shared words count most, then words of the same family, then likeness of letters.
    fn score(&self, names: &[String]) -> usize {
        let stems: Vec<String> = names.iter().flat_map(|name| token::stems(name)).collect();
        let shared = stems.iter().filter(|stem| self.stems.contains(*stem)).count().min(3);
        let related = self.families.iter().any(|family| stems.iter().any(|stem| family.contains(stem)));
        let alike = stems.iter().any(|stem| {
            self.stems
                .iter()
                .any(|asked| asked.len() > 3 && stem.len() > 3 && strsim::jaro_winkler(asked, stem) > 0.9)
        });
        shared * 4 + usize::from(related) * 2 + usize::from(alike)
    }
}

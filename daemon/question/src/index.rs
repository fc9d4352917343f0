//! Index: which phrases name which metric, dimension, entity or value, and which word a typo was meant for.

use std::collections::{HashMap, HashSet};

use crate::grain::Grain;
use crate::token::{self, Token};
use crate::vocabulary::{DimensionKind, DimensionTerm, MetricTerm, Vocabulary};
use crate::words;

/// The longest phrase looked up, in tokens.
pub(crate) const LONGEST: usize = 9;

/// What a phrase can mean. Numbers are indexes into the vocabulary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Meaning {
    Metric(usize),
    /// A metric whose name carries a count word that was left out: "orders" for `order_count`.
    CountMetric(usize),
    Dimension(usize),
    /// A dimension by its bare element name, which is not its full name: "kind" for `store_kind`.
    LooseDimension(usize),
    /// An entity as a noun: "customers".
    Noun(usize),
    Value {
        dimension: usize,
        value: usize,
    },
    /// A custom grain of the calendar.
    Calendar(usize),
}

/// The phrases of one vocabulary.
#[derive(Debug)]
pub(crate) struct Index {
    exact: HashMap<String, Vec<Meaning>>,
    /// Sorted words of multi-word names, so that "region of the customer" finds "customer region".
    bags: HashMap<String, Vec<Meaning>>,
    /// Single words of names and labels, by first letter and length; `true` for words of values only.
    spelling: HashMap<(char, usize), Vec<(String, bool)>>,
    known: HashSet<String>,
    pub(crate) entities: Vec<String>,
}

impl Index {
    pub(crate) fn new(vocabulary: &Vocabulary) -> Self {
        let mut index = Self {
            exact: HashMap::new(),
            bags: HashMap::new(),
            spelling: HashMap::new(),
            known: HashSet::new(),
            entities: entities(vocabulary),
        };
        for (at, metric) in vocabulary.metrics.iter().enumerate() {
            index.add_metric(at, metric);
        }
        for (at, dimension) in vocabulary.dimensions.iter().enumerate() {
            if dimension.entities().first() == Some(&"metric_time") || dimension.name == "metric_time" {
                continue;
            }
            index.add_dimension(at, dimension, vocabulary);
        }
        for (at, entity) in index.entities.clone().iter().enumerate() {
            index.add(&token::stems(entity), Meaning::Noun(at), false);
        }
        for (at, grain) in vocabulary.custom_grains.iter().enumerate() {
            index.add(&token::stems(grain), Meaning::Calendar(at), false);
        }
        for word in words::SPELLABLE {
            index.learn(word, false);
        }
        for meanings in index.exact.values_mut().chain(index.bags.values_mut()) {
            meanings.sort_unstable();
            meanings.dedup();
        }
        index
    }

    /// What `tokens` name as a phrase; empty when nothing.
    pub(crate) fn look_up(&self, tokens: &[Token]) -> Vec<Meaning> {
        let key: String = tokens.iter().map(|token| token.stem.as_str()).collect();
        let mut found = self.exact.get(&key).cloned().unwrap_or_default();
        if tokens.len() > 1 {
            let joiner = |token: &&Token| words::JOINERS.contains(&token.norm.as_str());
            let edge = tokens.first().filter(joiner).or(tokens.last().filter(joiner)).is_some();
            let split = tokens.iter().skip(1).any(|token| token.comma);
            if !edge && !split {
                let content: Vec<String> =
                    tokens.iter().filter(|token| !joiner(token)).map(|token| token.stem.clone()).collect();
                if content.len() > 1 {
                    let bag = self.bags.get(&bag(content)).into_iter().flatten().copied();
                    found.extend(bag.filter(|meaning| matches!(meaning, Meaning::Metric(_))));
                }
                found.extend(self.turned(tokens));
            }
            if split
                && found.iter().all(|meaning| !matches!(meaning, Meaning::Metric(_) | Meaning::Value { .. }))
            {
                found.clear();
            }
        }
        found.sort_unstable();
        found.dedup();
        prefer_strong(found)
    }

    /// "region of the customer" is "customer region". Words without "of" are not turned: "insured patients" is a
    /// condition and a metric.
    fn turned(&self, tokens: &[Token]) -> Vec<Meaning> {
        let Some(of) = tokens.iter().position(|token| token.norm == "of") else { return Vec::new() };
        let article = |token: &&Token| !matches!(token.norm.as_str(), "the" | "a" | "an" | "our");
        let turned = tokens[of + 1..].iter().chain(&tokens[..of]).filter(article);
        let key: String = turned.map(|token| token.stem.as_str()).collect();
        let found = self.exact.get(&key).into_iter().flatten().copied();
        found
            .filter(|meaning| matches!(meaning, Meaning::Dimension(_) | Meaning::LooseDimension(_)))
            .collect()
    }

    /// Whether a word occurs anywhere in the names of the model or the grammar.
    pub(crate) fn knows(&self, token: &Token) -> bool {
        self.known.contains(&token.stem)
    }

    /// The one word `token` is a likely misspelling of. Ties give nothing: a typo is never decided by chance.
    pub(crate) fn correct(&self, token: &Token) -> Option<&str> {
        let word = token.norm.as_str();
        let length = word.chars().count();
        if length < 4
            || !word.chars().all(char::is_alphabetic)
            || words::is_real(word)
            || words::is_real(&token.stem)
            || words::is_filler(word)
        {
            return None;
        }
        let first = word.chars().next()?;
        let allowed = if length >= 8 { 2 } else { 1 };
        let mut best: Option<(usize, bool, usize, &str)> = None;
        let mut tied = false;
        let shortest = length.min(token.stem.chars().count());
        for size in shortest.saturating_sub(allowed)..=length + allowed {
            for (candidate, of_value) in self.spelling.get(&(first, size)).into_iter().flatten() {
                let direct = strsim::osa_distance(word, candidate);
                let distance = direct.min(strsim::osa_distance(&token.stem, candidate));
                if distance > allowed
                    || (length == 4 && distance == 1 && size == length && !transposed(word, candidate))
                {
                    continue;
                }
                let rank = (distance, *of_value);
                match best {
                    Some((known, of, ..)) if rank > (known, of) => {}
                    Some((known, of, nearness, other)) if rank == (known, of) => {
                        tied |= token::stem(other) != token::stem(candidate);
                        if direct < nearness {
                            best = Some((distance, *of_value, direct, candidate));
                        }
                    }
                    _ => (best, tied) = (Some((distance, *of_value, direct, candidate.as_str())), false),
                }
            }
        }
        match best {
            Some((.., word)) => (!tied).then_some(word),
            None => self.same_root(word),
        }
    }

    /// "inactive", "unpaid": the rest of a word whose front denies a true-or-false dimension.
    pub(crate) fn denied(&self, token: &Token, vocabulary: &Vocabulary) -> Option<String> {
        let rest = ["in", "un", "non", "im"].iter().find_map(|front| token.norm.strip_prefix(front))?;
        let boolean = |meaning: &Meaning| match meaning {
            Meaning::Dimension(at) => vocabulary.dimensions[*at].kind == DimensionKind::Boolean,
            _ => false,
        };
        let found = self.exact.get(&token::stem(rest))?;
        (rest.len() > 2 && found.iter().any(boolean)).then(|| rest.to_owned())
    }

    /// The one word of the model with the same root: "cancellation" for "cancel".
    fn same_root(&self, word: &str) -> Option<&str> {
        let wanted = root(word);
        let first = word.chars().next()?;
        let mut found: Option<&str> = None;
        for size in 5..=18 {
            for (candidate, of_value) in self.spelling.get(&(first, size)).into_iter().flatten() {
                if *of_value || wanted.len() < 5 || root(candidate) != wanted {
                    continue;
                }
                if found.is_some_and(|other| token::stem(other) != token::stem(candidate)) {
                    return None;
                }
                found = Some(candidate);
            }
        }
        found
    }

    fn add_metric(&mut self, at: usize, metric: &MetricTerm) {
        let names = std::iter::once(&metric.name).chain(&metric.label).chain(&metric.synonyms);
        for name in names {
            let stems = token::stems(name);
            self.learn_name(name);
            self.add(&stems, Meaning::Metric(at), false);
            let short: Vec<String> =
                stems.iter().filter(|stem| !words::LABEL_JOINERS.contains(&stem.as_str())).cloned().collect();
            if short.len() > 1 && short.len() < stems.len() {
                self.add(&short, Meaning::Metric(at), false);
            }
            let plain: Vec<String> = stems
                .iter()
                .filter(|stem| !words::COUNT_STEMS.contains(&stem.as_str()) && *stem != "of")
                .cloned()
                .collect();
            if !plain.is_empty() && plain.len() < stems.len() {
                self.add(&plain, Meaning::CountMetric(at), false);
            }
        }
    }

    fn add_dimension(&mut self, at: usize, dimension: &DimensionTerm, vocabulary: &Vocabulary) {
        let path: Vec<Vec<String>> = dimension.entities().iter().map(|entity| token::stems(entity)).collect();
        let mut element = token::stems(dimension.element());
        if dimension.kind == DimensionKind::Boolean && element.len() > 1 && is_verb(&element[0]) {
            element.remove(0);
        }
        let full = Meaning::Dimension(at);
        let mut names = vec![element.clone()];
        for name in [&dimension.name].into_iter().chain(&dimension.label).chain(&dimension.synonyms) {
            self.learn_name(name);
        }
        names.extend(dimension.label.iter().chain(&dimension.synonyms).map(|name| token::stems(name)));
        if dimension.kind == DimensionKind::EntityKey {
            self.add_with_path(&element, &path[..path.len().saturating_sub(1)], full);
            self.add(&[element.clone(), vec!["id".to_owned()]].concat(), full, false);
        } else if names_entity(dimension, vocabulary) {
            let entity = path.last().cloned().unwrap_or_default();
            self.add_with_path(&entity, &path[..path.len().saturating_sub(1)], full);
        }
        for name in &names {
            self.add_with_path(name, &path, full);
            if let Some(entity) = path.last()
                && name.len() > entity.len()
                && name.starts_with(entity)
            {
                let short = name[entity.len()..].to_vec();
                self.add(&short, Meaning::LooseDimension(at), false);
                self.add_with_path(&short, &path[..path.len() - 1], Meaning::LooseDimension(at));
            }
        }
        for (value_at, value) in dimension.values.iter().enumerate() {
            let stems = token::stems(value);
            let number = stems.iter().all(|stem| stem.parse::<f64>().is_ok());
            if dimension.kind == DimensionKind::Boolean || stems.is_empty() || number || stems.len() > LONGEST
            {
                continue;
            }
            let meaning = Meaning::Value { dimension: at, value: value_at };
            self.exact.entry(stems.concat()).or_default().push(meaning);
            for word in token::tokenise(value) {
                self.learn(&word.norm, true);
            }
        }
    }

    /// Adds `name` alone and behind each tail of the path: "region", "customer region", "order customer region".
    fn add_with_path(&mut self, name: &[String], path: &[Vec<String>], meaning: Meaning) {
        self.add(name, meaning, false);
        for from in 0..path.len() {
            let lead = path[from..].concat();
            if !name.starts_with(&lead) {
                self.add(&[lead, name.to_vec()].concat(), meaning, true);
            }
        }
        // "customer region" for order__customer__region__region_name, whose path repeats itself.
        for entity in path {
            if !name.starts_with(entity) {
                self.add(&[entity.clone(), name.to_vec()].concat(), meaning, true);
            }
        }
    }

    fn add(&mut self, stems: &[String], meaning: Meaning, path_only: bool) {
        if stems.is_empty() || stems.len() > LONGEST {
            return;
        }
        self.exact.entry(stems.concat()).or_default().push(meaning);
        if stems.len() > 1 {
            let content: Vec<String> =
                stems.iter().filter(|stem| !words::JOINERS.contains(&stem.as_str())).cloned().collect();
            if content.len() > 1 {
                self.bags.entry(bag(content)).or_default().push(meaning);
            }
        }
        if !path_only {
            for stem in stems {
                self.known.insert(stem.clone());
            }
        }
    }

    /// Takes the words of a name as spellings that a typo may have been meant for.
    fn learn_name(&mut self, name: &str) {
        for token in token::tokenise(name) {
            self.learn(&token.norm, false);
        }
    }

    fn learn(&mut self, word: &str, of_value: bool) {
        let stem = token::stem(word);
        let fresh = self.known.insert(stem);
        let length = word.chars().count();
        let Some(first) = word.chars().next() else { return };
        let grammar = words::is_filler(word) || words::MARKS.iter().any(|(phrase, _)| *phrase == word);
        let spellable = !grammar || (!of_value && words::SPELLABLE.contains(&word));
        if spellable && (fresh || !of_value) && length >= 4 && word.chars().all(char::is_alphabetic) {
            let list = self.spelling.entry((first, length)).or_default();
            if of_value || !list.iter().any(|(known, _)| known == word) {
                list.push((word.to_owned(), of_value));
            }
        }
    }
}

/// Whether `dimension` is what people call its entity by: `store_name` of `store`.
pub(crate) fn names_entity(dimension: &DimensionTerm, vocabulary: &Vocabulary) -> bool {
    if dimension.kind != DimensionKind::Categorical {
        return false;
    }
    let rank = |term: &DimensionTerm| naming_rank(term);
    let Some(own) = rank(dimension) else { return false };
    let prefix = dimension.name.strip_suffix(dimension.element()).unwrap_or_default();
    vocabulary
        .dimensions
        .iter()
        .filter(|other| other.name.strip_suffix(other.element()) == Some(prefix))
        .filter_map(rank)
        .all(|other| other >= own)
}

/// How well an element name names its entity; smaller is better.
fn naming_rank(term: &DimensionTerm) -> Option<usize> {
    let entity = term.entity()?;
    if term.kind != DimensionKind::Categorical {
        return None;
    }
    let element = term.element();
    let rest = element.strip_prefix(entity).map_or(element, |rest| rest.trim_start_matches('_'));
    ["name", "", "title", "label", "full_name", "display_name"].iter().position(|ending| *ending == rest)
}

fn is_verb(stem: &str) -> bool {
    matches!(stem, "is" | "has" | "was" | "had" | "have" | "are" | "were" | "did" | "does" | "can")
}

fn bag(mut stems: Vec<String>) -> String {
    stems.sort_unstable();
    stems.join(" ")
}

/// Drops weaker meanings of a kind when a stronger one exists.
fn prefer_strong(mut found: Vec<Meaning>) -> Vec<Meaning> {
    if found.iter().any(|meaning| matches!(meaning, Meaning::Metric(_))) {
        found.retain(|meaning| !matches!(meaning, Meaning::CountMetric(_)));
    }
    if found.iter().any(|meaning| matches!(meaning, Meaning::Dimension(_))) {
        found.retain(|meaning| !matches!(meaning, Meaning::LooseDimension(_)));
    }
    found
}

/// A word without the ending that makes a noun or a participle of it.
fn root(word: &str) -> &str {
    let endings = [
        "lations", "lation", "ations", "ation", "ments", "ment", "lled", "lling", "ing", "ed", "es", "s", "e",
    ];
    endings.iter().find_map(|ending| word.strip_suffix(ending).filter(|rest| rest.len() >= 5)).unwrap_or(word)
}

fn transposed(one: &str, two: &str) -> bool {
    let sorted = |text: &str| {
        let mut letters: Vec<char> = text.chars().collect();
        letters.sort_unstable();
        letters
    };
    sorted(one) == sorted(two)
}

fn entities(vocabulary: &Vocabulary) -> Vec<String> {
    let mut seen = HashSet::new();
    let homes = vocabulary.metrics.iter().filter_map(|metric| metric.entity.as_deref());
    vocabulary
        .dimensions
        .iter()
        .flat_map(DimensionTerm::entities)
        .chain(homes)
        .filter(|entity| {
            *entity != "metric_time" && Grain::from_noun(entity).is_none() && seen.insert(*entity)
        })
        .map(str::to_owned)
        .collect()
}

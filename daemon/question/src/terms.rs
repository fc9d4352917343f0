//! Terms: the role of a phrase of the model, by where it stands.

use crate::draft::{Choice, FilterAsk, GroupAsk, LooseAsk, SortAsk, TestAsk};
use crate::index::Meaning;
use crate::mark::{Mark, Rank};
use crate::segment::{Cutter, Part, Piece};
use crate::vocabulary::DimensionKind;
use crate::walk::{Mode, Walk};
use crate::words;

/// The meanings of a phrase by kind.
struct Kinds {
    metrics: Vec<usize>,
    /// Dimensions that are not true or false.
    dimensions: Vec<usize>,
    booleans: Vec<usize>,
    nouns: Vec<usize>,
    values: Vec<(usize, usize)>,
    calendars: Vec<usize>,
}

impl Walk<'_> {
    /// Gives a phrase of the model its role.
    pub(crate) fn term(&mut self, meanings: &[Meaning], part: &Part) {
        let kinds = self.kinds(meanings);
        match self.mode {
            Mode::Head => self.head(&kinds, part),
            Mode::Group => self.group(&kinds, part),
            Mode::Filter => self.filter(&kinds, part),
            Mode::Exclude => self.exclude(&kinds, part),
            Mode::Remove => self.remove(&kinds, part),
            Mode::Sort => self.sort(&kinds, part),
            Mode::All => self.all(&kinds, part),
        }
    }

    fn kinds(&self, meanings: &[Meaning]) -> Kinds {
        let (booleans, dimensions) =
            self.dimensions(meanings).into_iter().partition(|at| self.is_boolean(*at));
        let mut kinds = Kinds {
            metrics: self.metrics(meanings),
            dimensions,
            booleans,
            nouns: Vec::new(),
            values: Vec::new(),
            calendars: Vec::new(),
        };
        for meaning in meanings {
            match meaning {
                Meaning::Noun(at) => kinds.nouns.push(*at),
                Meaning::Value { dimension, value } => kinds.values.push((*dimension, *value)),
                Meaning::Calendar(at) => kinds.calendars.push(*at),
                _ => {}
            }
        }
        kinds
    }

    fn head(&mut self, kinds: &Kinds, part: &Part) {
        let thing = !kinds.dimensions.is_empty() && self.ranked_here() && self.other_metric();
        if !kinds.metrics.is_empty() && self.value_rather(kinds) {
            self.condition(kinds, part, false);
            return;
        }
        if let Some(calendar) = kinds.calendars.first() {
            self.draft.groups.push(GroupAsk::Calendar(*calendar));
        } else if !kinds.metrics.is_empty() && !thing {
            self.metric(kinds, part);
        } else {
            let said = !kinds.dimensions.is_empty() && self.said_before_value(kinds, part);
            let condition = kinds.dimensions.is_empty() && self.condition(kinds, part, false);
            if !said && !condition {
                self.loose(kinds, part);
            }
        }
    }

    /// A word that is a metric and a value is a value beside its noun or beside another value: "shipped orders",
    /// "shipped or delivered orders".
    fn value_rather(&self, kinds: &Kinds) -> bool {
        if kinds.values.is_empty() {
            return false;
        }
        let mut at = self.at + 1;
        let joined =
            matches!(self.parts.get(at).map(|part| &part.piece), Some(Piece::Mark(Mark::And | Mark::Or)));
        at += usize::from(joined);
        let Some(Part { piece: Piece::Term(meanings), comma: false, .. }) = self.parts.get(at) else {
            return false;
        };
        let next = self.kinds(meanings);
        let same =
            next.values.iter().any(|(dimension, _)| kinds.values.iter().any(|(own, _)| own == dimension));
        if joined { next.metrics.is_empty() && same } else { !next.metrics.is_empty() }
    }

    fn filter(&mut self, kinds: &Kinds, part: &Part) {
        let other = self.other_metric();
        if !kinds.metrics.is_empty() && !self.compared_next() && other && self.take_apart(part) {
            return;
        }
        let metric = !kinds.metrics.is_empty() && (!other || self.compared_next());
        if metric {
            self.metric(kinds, part);
        } else if self.condition(kinds, part, false) {
        } else if let Some(calendar) = kinds.calendars.first() {
            self.draft.groups.push(GroupAsk::Calendar(*calendar));
        } else if !kinds.dimensions.is_empty() && self.said_before_value(kinds, part) {
        } else if !kinds.dimensions.is_empty() || !kinds.nouns.is_empty() {
            self.loose(kinds, part);
        } else {
            self.unplaced(part);
        }
    }

    fn exclude(&mut self, kinds: &Kinds, part: &Part) {
        let said = !kinds.dimensions.is_empty() && self.said_before_value(kinds, part);
        if said || self.condition(kinds, part, true) {
            return;
        }
        if !kinds.metrics.is_empty() && self.take_apart(part) {
            return;
        }
        let after_value = self.after_filter();
        if after_value && !kinds.metrics.is_empty() && !self.other_metric() {
            self.metric(kinds, part);
        } else if !kinds.nouns.is_empty() && after_value {
            self.loose(kinds, part);
        } else {
            self.unplaced(part);
        }
    }

    fn group(&mut self, kinds: &Kinds, part: &Part) {
        let things = !kinds.dimensions.is_empty() || !kinds.booleans.is_empty();
        let listed = matches!(self.before(), Some(Piece::Mark(Mark::And))) && self.draft.by_metric;
        let ranking = listed || (self.draft.metrics.is_empty() && !self.draft.loose.is_empty());
        let metric = !kinds.metrics.is_empty() && (!things || ranking || !self.other_metric());
        if let Some(calendar) = kinds.calendars.first() {
            self.draft.groups.push(GroupAsk::Calendar(*calendar));
        } else if metric {
            self.metric_after_by(kinds, part);
        } else if kinds.dimensions.is_empty() && self.noun_next(&kinds.booleans) {
            // "orders by vip customers": who did it, not what the rows are.
            self.mode = Mode::Filter;
            self.condition(kinds, part, false);
        } else if things {
            self.take_number();
            if self.draft.share || self.draft.growth.is_none() || !kinds.dimensions.is_empty() {
                let items = [kinds.dimensions.clone(), kinds.booleans.clone()].concat();
                let choice = Choice { items, text: self.text(part) };
                self.draft.groups.push(GroupAsk::Dimension(choice, None));
            }
            if !self.said_before_value(kinds, part) {
                self.absorb_generic_noun();
            }
        } else if self.condition(kinds, part, false) {
            // "shipments by dhl": who did it.
            self.mode = Mode::Filter;
        } else {
            self.unplaced(part);
        }
    }

    /// Whether the entity of one of the items follows as a noun.
    fn noun_next(&self, items: &[usize]) -> bool {
        let Some(Part { piece: Piece::Term(meanings), comma: false, .. }) = self.parts.get(self.at + 1)
        else {
            return false;
        };
        let nouns = self.kinds(meanings).nouns;
        let entities =
            nouns.iter().filter_map(|noun| self.cutter.index.entities.get(*noun)).collect::<Vec<_>>();
        let held = |item: &usize| {
            self.vocabulary.dimensions[*item].entities().iter().any(|own| entities.iter().any(|e| e == own))
        };
        items.iter().any(held)
    }

    /// "top 5 products by revenue", "by items instead".
    fn metric_after_by(&mut self, kinds: &Kinds, part: &Part) {
        let joined = matches!(self.before(), Some(Piece::Mark(Mark::And)));
        let first = self.draft.metrics.is_empty();
        if first || joined || self.rank_ahead() {
            self.draft.by_metric |= first;
            if !joined || self.draft.rank_by.is_none() {
                self.draft.rank_by = Some(Choice { items: kinds.metrics.clone(), text: self.text(part) });
            }
            if first && !self.draft.loose.is_empty() && self.draft.rank.is_none() {
                self.draft.rank = Some(Rank::Best);
            }
            self.metric(kinds, part);
            self.mode = Mode::Group;
        } else {
            self.unplaced(part);
        }
    }

    fn remove(&mut self, kinds: &Kinds, part: &Part) {
        self.removing = None;
        let choice = |items: &[usize], text: String| Choice { items: items.to_vec(), text };
        let text = self.text(part);
        if !kinds.metrics.is_empty() {
            self.draft.removed.push(choice(&kinds.metrics, text));
        } else if !kinds.dimensions.is_empty() && !self.said_before_value(kinds, part) {
            self.draft.dropped_groups.push(choice(&kinds.dimensions, text));
        } else if !self.condition(kinds, part, true) && self.said.is_empty() {
            self.unplaced(part);
        }
    }

    fn sort(&mut self, kinds: &Kinds, part: &Part) {
        let text = self.text(part);
        if !kinds.metrics.is_empty() && self.draft.metrics.is_empty() && !self.draft.loose.is_empty() {
            // "carriers ranked by cost": the metric is named only here.
            self.metric_after_by(kinds, part);
        } else if !kinds.metrics.is_empty() {
            self.draft.sort.push(SortAsk::Metric(Choice { items: kinds.metrics.clone(), text }));
        } else if !kinds.dimensions.is_empty() {
            self.draft.sort.push(SortAsk::Dimension(Choice { items: kinds.dimensions.clone(), text }));
        } else {
            self.unplaced(part);
        }
    }

    /// "all channels" ends a filter; "all orders" is just the orders.
    fn all(&mut self, kinds: &Kinds, part: &Part) {
        self.mode = Mode::Head;
        let others = kinds.metrics.is_empty() || self.other_metric();
        if others && !kinds.dimensions.is_empty() {
            self.draft.all_of.push(Choice { items: kinds.dimensions.clone(), text: self.text(part) });
        } else {
            self.head(kinds, part);
        }
    }

    fn metric(&mut self, kinds: &Kinds, part: &Part) {
        let choice = Choice { items: kinds.metrics.clone(), text: self.text(part) };
        self.last_metric = Some(choice.clone());
        self.take_number();
        // A label that says its grain is asked along that grain: "visits by hour".
        let tokens = &self.tokens[part.from..part.to];
        for pair in tokens.windows(2) {
            if matches!(pair[0].norm.as_str(), "by" | "per")
                && let Some(grain) = crate::grain::Grain::from_noun(&pair[1].norm)
            {
                self.draft.groups.push(GroupAsk::Grain(grain));
            }
        }
        let adjacent = match self.at.checked_sub(1).and_then(|at| self.parts.get(at)).map(|part| &part.piece)
        {
            Some(Piece::Term(meanings)) => !part.comma && !self.metrics(meanings).is_empty(),
            _ => false,
        };
        if adjacent && !self.draft.metrics.is_empty() {
            // "revenue orders": two figures side by side may be meant as one that the model lacks.
            self.unplaced(part);
        } else if !self.compared_next() {
            self.draft.metrics.push(choice);
        }
    }

    /// A value or a boolean as a condition. Tells whether the phrase was one.
    fn condition(&mut self, kinds: &Kinds, part: &Part, negated: bool) -> bool {
        let test = if !kinds.values.is_empty() {
            TestAsk::Value(kinds.values.clone())
        } else if !kinds.booleans.is_empty() {
            TestAsk::True(kinds.booleans.clone())
        } else {
            return false;
        };
        let mut said = std::mem::take(&mut self.said);
        said.retain(|item| kinds.values.iter().any(|(dimension, _)| dimension == item));
        let next = self.parts.get(self.at + 1).cloned();
        let mut noun = Vec::new();
        let mut absorbed = false;
        if let Some(Part { piece: Piece::Term(meanings), comma: false, .. }) = &next {
            let after = self.kinds(meanings);
            let named: Vec<usize> =
                kinds.values.iter().map(|(d, _)| *d).filter(|d| after.dimensions.contains(d)).collect();
            // "web channel": the noun says the dimension, and is spent by it.
            if !named.is_empty() && after.metrics.is_empty() && !(self.ranked_here() && self.rank_ahead()) {
                said = named;
                absorbed = true;
            }
            noun = after.nouns;
        }
        if noun.is_empty() {
            noun = self.noun_before();
        }
        if !said.is_empty() {
            self.said.clone_from(&said);
        }
        self.draft.filters.push(FilterAsk { test, negated, said, noun, text: self.text(part) });
        if absorbed {
            self.at += 1;
        }
        true
    }

    /// "customers in Nordland": the thing named right before the condition.
    fn noun_before(&self) -> Vec<usize> {
        let mut before = self.parts[..self.at].iter().rev().map(|part| &part.piece);
        if !matches!(before.next(), Some(Piece::Mark(Mark::In | Mark::With))) {
            return Vec::new();
        }
        match before.find(|piece| **piece != Piece::Filler) {
            Some(Piece::Term(meanings)) => self.kinds(meanings).nouns,
            _ => Vec::new(),
        }
    }

    /// "rating 5": a number that is a value of the dimension just said.
    pub(crate) fn number_value(&mut self, digits: &str, part: &Part) {
        let said = std::mem::take(&mut self.said);
        let negated = self.mode == Mode::Exclude;
        let text = self.text(part);
        let test = TestAsk::Text(digits.to_owned());
        self.draft.filters.push(FilterAsk { test, negated, said, noun: Vec::new(), text });
    }

    /// A dimension whose value follows: "segment business", "channel is web", "store 12".
    fn said_before_value(&mut self, kinds: &Kinds, _part: &Part) -> bool {
        let mut at = self.at + 1;
        let mut negated = false;
        let mut with_is = false;
        while let Some(part) = self.parts.get(at) {
            match part.piece {
                Piece::Mark(Mark::Is) => with_is = true,
                Piece::Mark(Mark::Not) => negated = true,
                Piece::Filler => {}
                Piece::Mark(Mark::In)
                    if with_is || negated || self.mode == Mode::Filter || self.text(part) == "of" => {}
                _ => break,
            }
            at += 1;
        }
        let Some(next) = self.parts.get(at).filter(|part| !part.comma) else { return false };
        let held = |dimension: usize| kinds.dimensions.contains(&dimension);
        let follows = match &next.piece {
            Piece::Term(meanings) => meanings
                .iter()
                .any(|meaning| matches!(meaning, Meaning::Value { dimension, .. } if held(*dimension))),
            Piece::Number(digits) => kinds.dimensions.iter().any(|item| {
                self.vocabulary
                    .dimensions
                    .get(*item)
                    .is_some_and(|term| term.values.iter().any(|value| value == digits))
            }),
            _ => false,
        };
        if !follows {
            return false;
        }
        if self.mode == Mode::Head {
            self.mode = Mode::Filter;
        }
        self.said.clone_from(&kinds.dimensions);
        true
    }

    /// A thing named without "by".
    fn loose(&mut self, kinds: &Kinds, part: &Part) {
        let counted = self.take_number();
        let ranked = counted || self.ranked_here();
        let next = self.parts.get(self.at + 1).cloned();
        let before_metric = match &next {
            Some(Part { piece: Piece::Term(meanings), comma: false, .. }) => {
                !self.metrics(meanings).is_empty()
            }
            _ => false,
        };
        let beside_filter = self.after_filter() || self.filter_next();
        let ask = LooseAsk {
            dimensions: Choice { items: kinds.dimensions.clone(), text: self.text(part) },
            nouns: kinds.nouns.clone(),
            ranked,
            beside_filter,
            before_metric: before_metric && self.mode == Mode::Head && !self.how_many,
        };
        self.draft.loose.push(ask);
        self.absorb_generic_noun();
        let last = self.parts.get(self.at).map_or(part.to, |part| part.to) - 1;
        let singular =
            self.tokens.get(last).is_some_and(|word| word.norm == word.stem || !word.norm.ends_with('s'));
        self.draft.single |= ranked && singular && !counted && self.draft.count.is_none();
    }

    /// "landing pages" for a dimension `landing`: the noun adds nothing.
    fn absorb_generic_noun(&mut self) {
        let Some(next) = self.parts.get(self.at + 1) else { return };
        let word = self.tokens[next.from].norm.as_str();
        let one = next.to == next.from + 1 && !next.comma;
        let spare = match &next.piece {
            Piece::Term(meanings) => {
                let metrics = self.metrics(meanings);
                let others = self.parts.iter().enumerate().any(|(at, part)| {
                    at != self.at + 1 && matches!(&part.piece, Piece::Term(m) if !self.metrics(m).is_empty())
                });
                metrics.is_empty() || others
            }
            Piece::Unknown => true,
            _ => false,
        };
        if one && spare && words::GENERIC_NOUNS.contains(&word) {
            self.at += 1;
            self.parts[self.at].piece = Piece::Filler;
        }
    }

    /// Reads "web orders" as a filter and its noun where a second metric makes no sense: "revenue from web orders".
    fn take_apart(&mut self, part: &Part) -> bool {
        if part.to - part.from < 2 {
            return false;
        }
        let plain = Cutter { metrics: false, ..self.cutter };
        let mut parts = plain.cut(self.tokens, part.from, part.to);
        let filters = parts.iter().any(|part| match &part.piece {
            Piece::Term(meanings) => {
                let kinds = self.kinds(meanings);
                !kinds.values.is_empty() || !kinds.booleans.is_empty()
            }
            _ => false,
        });
        let known = parts
            .iter()
            .all(|part| !matches!(part.piece, Piece::Unknown | Piece::Time(_) | Piece::Number(_)));
        if !filters || !known {
            return false;
        }
        if !self.other_metric() {
            // "non-web orders": the noun is the metric.
            for part in &mut parts {
                if let Piece::Term(meanings) = &mut part.piece {
                    *meanings = self.cutter.index.look_up(&self.tokens[part.from..part.to]);
                }
            }
        }
        let end = self.at + parts.len();
        self.parts.splice(self.at..=self.at, parts);
        while self.at < end {
            let part = self.parts[self.at].clone();
            if let Piece::Term(meanings) = &part.piece {
                self.term(meanings, &part);
            }
            self.at += 1;
        }
        self.at -= 1;
        true
    }

    /// Whether a comparison with a number follows: "revenue is at least 1000".
    fn compared_next(&self) -> bool {
        let mut rest = self.parts.iter().skip(self.at + 1).map(|part| &part.piece);
        let weighty = rest.find(|piece| !matches!(piece, Piece::Filler | Piece::Mark(Mark::Is)));
        match weighty {
            Some(Piece::Mark(Mark::Op(_) | Mark::Between)) => matches!(rest.next(), Some(Piece::Number(_))),
            _ => false,
        }
    }

    /// Whether the phrase stands where the ranked thing stands: after "which", "top", "best".
    fn ranked_here(&self) -> bool {
        matches!(
            self.before(),
            Some(
                Piece::Mark(Mark::Which | Mark::What | Mark::Top(_) | Mark::Rank)
                    | Piece::Superlative(_)
                    | Piece::Number(_)
            )
        ) || (self.which && self.draft.loose.is_empty() && self.draft.metrics.is_empty())
    }

    fn before(&self) -> Option<&Piece> {
        self.parts[..self.at].iter().rev().map(|part| &part.piece).find(|piece| **piece != Piece::Filler)
    }

    fn after_filter(&self) -> bool {
        let Some(Piece::Term(meanings)) = self.before() else { return false };
        let kinds = self.kinds(meanings);
        kinds.metrics.is_empty() && (!kinds.values.is_empty() || !kinds.booleans.is_empty())
    }

    /// Whether a condition follows: "customers with segment business".
    fn filter_next(&self) -> bool {
        let next = self.parts.iter().skip(self.at + 1).map(|part| &part.piece);
        let mut next = next.filter(|piece| **piece != Piece::Filler);
        let Some(Piece::Mark(Mark::With | Mark::In | Mark::Only | Mark::Not)) = next.next() else {
            return false;
        };
        next.find(|piece| !matches!(piece, Piece::Mark(_))).is_some_and(|piece| match piece {
            Piece::Term(meanings) => {
                let kinds = self.kinds(meanings);
                kinds.metrics.is_empty()
            }
            _ => false,
        })
    }

    /// Whether another phrase of the question is a metric.
    fn other_metric(&self) -> bool {
        self.parts.iter().enumerate().any(|(at, part)| {
            at != self.at
                && matches!(&part.piece, Piece::Term(meanings) if !self.metrics(meanings).is_empty())
        })
    }

    pub(crate) fn is_boolean(&self, item: usize) -> bool {
        self.vocabulary.dimensions.get(item).is_some_and(|term| term.kind == DimensionKind::Boolean)
    }

    fn unplaced(&mut self, part: &Part) {
        let text = self.text(part);
        self.draft.unplaced.push(text);
    }
}

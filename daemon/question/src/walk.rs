//! Walk: goes over the phrases of a question once, from left to right, and gives each its role.

use crate::draft::{Choice, Draft, FilterAsk, GroupAsk, HavingAsk, PeriodAsk, SortAsk, TestAsk};
use crate::index::Meaning;
use crate::mark::{Mark, Op, Rank};
use crate::segment::{Cutter, Part, Piece};
use crate::timephrase::TimePhrase;
use crate::token::Token;
use crate::vocabulary::Vocabulary;

/// What the phrases that follow are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The metric, or the thing asked about.
    Head,
    /// What the rows are: after "by".
    Group,
    /// Conditions: after "in", "for", "with".
    Filter,
    /// Negated conditions: after "not".
    Exclude,
    /// Things to take out: after "instead of", "remove".
    Remove,
    /// Sort keys.
    Sort,
    /// Dimensions of which all values are wanted.
    All,
}

/// A comparison that waits for its number, then for its metric.
#[derive(Debug, Clone)]
struct Pending {
    op: Op,
    number: Option<String>,
    /// The metric right before the comparison: "revenue over 1000".
    metric: Option<Choice>,
}

/// The state of the walk.
pub(crate) struct Walk<'a> {
    pub(crate) vocabulary: &'a Vocabulary,
    pub(crate) cutter: Cutter<'a>,
    pub(crate) tokens: &'a [Token],
    pub(crate) parts: Vec<Part>,
    pub(crate) at: usize,
    pub(crate) mode: Mode,
    pub(crate) draft: Draft,
    /// Whether there is a previous question.
    pub(crate) follows: bool,
    pub(crate) which: bool,
    pub(crate) how_many: bool,
    pending: Option<Pending>,
    /// The dimension said before a value: "segment business".
    pub(crate) said: Vec<usize>,
    /// The last metric named, for "revenue over 1000".
    pub(crate) last_metric: Option<Choice>,
    /// A number that may count rows: "5 stores".
    number: Option<String>,
    /// The mode to go back to after the one word that "non" denies.
    restore: Option<Mode>,
    /// "remove" or "drop", until what it removes is named.
    pub(crate) removing: Option<String>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(
        vocabulary: &'a Vocabulary,
        cutter: Cutter<'a>,
        tokens: &'a [Token],
        parts: Vec<Part>,
        follows: bool,
    ) -> Self {
        Self {
            vocabulary,
            cutter,
            tokens,
            parts,
            at: 0,
            mode: Mode::Head,
            draft: Draft::default(),
            follows,
            which: false,
            how_many: false,
            pending: None,
            said: Vec::new(),
            last_metric: None,
            number: None,
            restore: None,
            removing: None,
        }
    }

    pub(crate) fn run(mut self) -> Draft {
        while let Some(part) = self.parts.get(self.at).cloned() {
            if part.comma && matches!(self.mode, Mode::Filter | Mode::Exclude) && !self.value_ahead(self.at) {
                self.mode = Mode::Head;
            }
            self.part(&part);
            self.at += 1;
        }
        self.settle_comparison();
        self.draft.unplaced.extend(self.number.take());
        self.draft.unplaced.extend(self.removing.take());
        self.draft
    }

    fn part(&mut self, part: &Part) {
        match &part.piece {
            Piece::Filler => {}
            Piece::Unknown => self.unknown(part),
            Piece::Mark(mark) => self.mark(*mark, part),
            Piece::Time(phrase) => self.time(*phrase, part),
            Piece::Number(digits) => self.number(digits, part),
            Piece::Superlative(rank) => self.superlative(*rank, part),
            Piece::Term(meanings) => {
                if self.take_having(meanings, part) {
                    return;
                }
                self.term(meanings, part);
                if let Some(mode) = self.restore.take() {
                    self.mode = mode;
                }
            }
        }
    }

    fn unknown(&mut self, part: &Part) {
        let text = self.text(part);
        self.draft.unknown.push(text);
    }

    fn mark(&mut self, mark: Mark, part: &Part) {
        self.before_mark(mark);
        match mark {
            // "not by dhl" stays a denial.
            Mark::By | Mark::Per if self.after_negation() => {}
            Mark::By => self.mode = Mode::Group,
            Mark::Per => {
                self.mode = Mode::Group;
                self.draft.per = true;
            }
            Mark::Beyond(_) => {
                let text = self.text(part);
                self.draft.unplaced.push(text);
            }
            Mark::AndBy => {
                self.mode = Mode::Group;
                self.draft.follow.and_by = true;
            }
            Mark::And | Mark::Or => self.and(),
            Mark::Not => self.mode = Mode::Exclude,
            Mark::Non => {
                self.restore = Some(self.mode);
                self.mode = Mode::Exclude;
            }
            Mark::Only => {
                self.mode = Mode::Filter;
                self.draft.follow.only = true;
            }
            Mark::With | Mark::In => {
                if !self.after_negation() {
                    self.mode = Mode::Filter;
                }
            }
            Mark::Op(op) => {
                self.settle_comparison();
                let metric = self.metric_before();
                self.pending = Some(Pending { op, number: None, metric });
            }
            Mark::Between => self.between(part),
            Mark::Top(rank) => self.rank(rank),
            Mark::Most(rank) => self.draft.rank = Some(rank),
            Mark::Rank => self.rank(Rank::Best),
            Mark::Which => {
                self.which = true;
                self.mode = Mode::Head;
            }
            Mark::HowMany => {
                self.how_many = true;
                self.mode = Mode::Head;
            }
            Mark::Growth(grain) => self.draft.growth = Some(grain.or(self.draft.growth.flatten())),
            Mark::GrowthBy => {
                self.draft.growth = self.draft.growth.or(Some(None));
                self.mode = Mode::Group;
            }
            Mark::What | Mark::Is | Mark::Filler => {}
            other => self.session_mark(other, part),
        }
    }

    /// What ends when a mark comes: the dimension said, a comparison that waits for its metric.
    fn before_mark(&mut self, mark: Mark) {
        let keeps = matches!(
            mark,
            Mark::Is
                | Mark::Filler
                | Mark::In
                | Mark::With
                | Mark::Not
                | Mark::Non
                | Mark::Op(_)
                | Mark::Between
        );
        if !keeps {
            self.said.clear();
        }
        let counted = self.pending.as_ref().is_some_and(|pending| pending.number.is_some());
        if counted && !matches!(mark, Mark::In | Mark::Filler) {
            self.settle_comparison();
        }
    }

    /// Marks that shape the answer or tie it to the previous question.
    fn session_mark(&mut self, mark: Mark, part: &Part) {
        match mark {
            Mark::Share => self.draft.share = true,
            Mark::Versus => {
                self.draft.versus = true;
                self.mode = Mode::Head;
            }
            Mark::Compare => self.draft.compare = true,
            Mark::Instead => self.draft.follow.instead = true,
            Mark::InsteadOf => {
                self.draft.follow.instead = true;
                self.mode = Mode::Remove;
            }
            Mark::Same => {
                self.draft.follow.same = true;
                self.mode = Mode::Head;
            }
            Mark::Also => self.draft.follow.also = true,
            Mark::Remove => {
                self.mode = Mode::Remove;
                self.removing = Some(self.text(part));
            }
            Mark::MakeIt => {
                self.draft.follow.same = true;
                self.mode = Mode::Head;
            }
            Mark::Filters if self.mode == Mode::Remove || self.mode == Mode::Exclude => {
                self.draft.clear_filters = true;
                self.removing = None;
            }
            Mark::Ungroup => self.draft.ungroup = true,
            Mark::Unlimited => self.draft.unlimited = true,
            Mark::SortBy => self.mode = Mode::Sort,
            Mark::Direction(descending) => self.draft.descending = Some(descending),
            Mark::Chart(hint) => self.draft.chart = Some(hint),
            Mark::Trend => self.draft.trend = true,
            Mark::All => self.mode = Mode::All,
            _ => {
                let text = self.text(part);
                self.draft.unplaced.push(text);
            }
        }
    }

    fn and(&mut self) {
        if self.at == 0 {
            self.draft.follow.leading_and = true;
        } else if !self.value_ahead(self.at + 1) {
            self.mode = match self.mode {
                Mode::Filter => Mode::Head,
                // "not web and status is shipped": a new condition begins.
                Mode::Exclude if self.dimension_ahead(self.at + 1) => Mode::Filter,
                mode => mode,
            };
        }
    }

    fn rank(&mut self, rank: Rank) {
        self.draft.rank = Some(rank);
        if self.mode != Mode::Sort {
            self.mode = Mode::Head;
        }
    }

    /// "highest revenue": a ranking when there is a thing to rank, else an aggregation that no metric offers.
    fn superlative(&mut self, rank: Rank, part: &Part) {
        let before = self.at.checked_sub(1).and_then(|at| self.parts.get(at));
        let with = self.parts[..self.at].iter().rev().find(|part| part.piece != Piece::Filler);
        let with = with
            .is_some_and(|part| matches!(part.piece, Piece::Mark(Mark::With | Mark::In | Mark::What)))
            && !self.draft.loose.is_empty();
        let counted = before.is_some_and(|part| matches!(part.piece, Piece::Number(_)));
        let thing = match self.parts.get(self.at + 1).map(|part| &part.piece) {
            Some(Piece::Term(meanings)) => {
                let (metrics, dimensions) = (self.metrics(meanings), self.dimensions(meanings));
                metrics.is_empty() && !dimensions.is_empty()
            }
            Some(Piece::Number(_)) => true,
            Some(Piece::Time(TimePhrase::Grain(_))) => true,
            _ => false,
        };
        if self.which || with || counted || thing || self.mode == Mode::Sort {
            self.draft.rank = Some(rank);
        } else {
            self.unknown(part);
        }
    }

    fn time(&mut self, phrase: TimePhrase, part: &Part) {
        match phrase {
            TimePhrase::Period(period) => {
                let negated = self.mode == Mode::Exclude;
                let versus = self.draft.versus;
                self.draft.periods.push(PeriodAsk { period, negated, versus });
            }
            TimePhrase::Earlier(grain, count) if self.draft.versus => {
                self.draft.versus_earlier = Some((grain, count));
            }
            TimePhrase::Earlier(grain, count) => self.draft.earlier = Some((grain, count)),
            TimePhrase::AllTime => self.draft.all_time = true,
            TimePhrase::Unclear => {
                let text = self.text(part);
                self.draft.unclear.push(text);
            }
            TimePhrase::Grain(grain) => match self.mode {
                Mode::Sort => self.draft.sort.push(SortAsk::Grain(grain)),
                Mode::Exclude => {
                    let text = self.text(part);
                    self.draft.unplaced.push(text);
                }
                Mode::Remove => {
                    self.removing = None;
                    self.draft.drop_time = true;
                }
                _ => self.group_by_grain(grain, part),
            },
        }
    }

    fn group_by_grain(&mut self, grain: crate::grain::Grain, part: &Part) {
        if let Some(number) = self.number.take() {
            self.take_count(&number);
        }
        let text = self.text(part);
        let noun = crate::grain::Grain::from_noun(&text.to_lowercase()).is_some();
        self.draft.single |= noun && !text.ends_with('s') && self.rank_ahead();
        if !self.draft.groups.contains(&GroupAsk::Grain(grain)) {
            // "by launch month": a time dimension right before or after takes the grain.
            if let Some(GroupAsk::Dimension(choice, slot @ None)) = self.draft.groups.last_mut()
                && choice.items.iter().any(|item| is_time(self.vocabulary, *item))
                && self.at > 0
                && matches!(self.parts[self.at - 1].piece, Piece::Term(_))
            {
                *slot = Some(grain);
                return;
            }
            self.draft.groups.push(GroupAsk::Grain(grain));
        }
    }

    fn number(&mut self, digits: &str, part: &Part) {
        if let Some(Piece::Mark(Mark::Beyond(op))) = self.parts.get(self.at + 1).map(|part| &part.piece) {
            // "5000 or more shipments".
            let (op, metric) = (*op, self.metric_before());
            let bound = metric.is_some();
            self.settle_comparison();
            self.pending = Some(Pending { op, number: Some(digits.to_owned()), metric });
            self.at += 1;
            if bound {
                self.settle_comparison();
            }
            return;
        }
        if let Some(pending) = self.pending.as_mut().filter(|pending| pending.number.is_none()) {
            pending.number = Some(digits.to_owned());
            if pending.metric.is_some() {
                self.settle_comparison();
            }
            return;
        }
        let before = self.parts[..self.at]
            .iter()
            .rev()
            .find(|part| part.piece != Piece::Filler)
            .map(|part| &part.piece);
        match before {
            Some(
                Piece::Mark(Mark::Top(_) | Mark::MakeIt | Mark::Rank | Mark::Most(_)) | Piece::Superlative(_),
            ) => {
                self.take_count(digits);
            }
            Some(Piece::Mark(Mark::Only)) if self.follows && self.at + 1 == self.parts.len() => {
                self.take_count(digits);
            }
            _ if !self.said.is_empty() => self.number_value(digits, part),
            _ => {
                if let Some(number) = self.number.replace(digits.to_owned()) {
                    self.draft.unplaced.push(number);
                }
            }
        }
    }

    pub(crate) fn take_count(&mut self, digits: &str) {
        match digits.parse::<u64>() {
            Ok(count) if self.draft.count.is_none() => self.draft.count = Some(count),
            _ => self.draft.unplaced.push(digits.to_owned()),
        }
    }

    /// The number before a thing counts its rows: "5 stores".
    pub(crate) fn take_number(&mut self) -> bool {
        let Some(number) = self.number.take() else { return false };
        self.take_count(&number);
        true
    }

    /// "between 100 and 200 orders".
    fn between(&mut self, part: &Part) {
        let piece = |step: usize| self.parts.get(self.at + step).map(|part| &part.piece);
        let (Some(Piece::Number(low)), Some(Piece::Mark(Mark::And)), Some(Piece::Number(high))) =
            (piece(1), piece(2), piece(3))
        else {
            let text = self.text(part);
            self.draft.unplaced.push(text);
            return;
        };
        let (low, high) = (low.clone(), high.clone());
        self.settle_comparison();
        self.at += 3;
        let metric = match self.parts.get(self.at + 1).map(|part| (part.clone(), part.piece.clone())) {
            Some((next, Piece::Term(meanings))) if !self.metrics(&meanings).is_empty() => {
                self.at += 1;
                Some(Choice { items: self.metrics(&meanings), text: self.text(&next) })
            }
            _ => self.last_metric.clone(),
        };
        self.draft.having.push(HavingAsk { metric: metric.clone(), op: Op::AtLeast, number: low });
        self.draft.having.push(HavingAsk { metric, op: Op::AtMost, number: high });
    }

    /// "more than 200 orders": the metric after the number is the one compared.
    fn take_having(&mut self, meanings: &[Meaning], part: &Part) -> bool {
        let Some(Pending { op, number: Some(number), .. }) = self.pending.clone() else { return false };
        let metrics = self.metrics(meanings);
        let next = self.parts.get(self.at + 1);
        let metric_next = next
            .is_some_and(|next| matches!(&next.piece, Piece::Term(after) if !self.metrics(after).is_empty()));
        if metrics.is_empty() && metric_next && !part.comma {
            // "more than 200 web orders": the value first, then the metric.
            return false;
        }
        if metrics.is_empty() || part.comma {
            self.settle_comparison();
            return false;
        }
        let metric = Some(Choice { items: metrics, text: self.text(part) });
        self.draft.having.push(HavingAsk { metric, op, number });
        self.pending = None;
        true
    }

    /// A comparison without a metric behind it is about the metric before it.
    fn settle_comparison(&mut self) {
        let Some(Pending { op, number, metric }) = self.pending.take() else { return };
        match number {
            Some(number) => {
                let metric = metric.or_else(|| self.last_metric.clone());
                self.draft.having.push(HavingAsk { metric, op, number });
            }
            // "orders over the past 6 weeks": "over" only leads to the time.
            None if op == Op::Above && !self.draft.periods.is_empty() => {}
            None => self.draft.unplaced.push(op.sign().to_owned()),
        }
    }

    /// The metric right before the phrase at hand, "is" and the like skipped.
    fn metric_before(&self) -> Option<Choice> {
        let skipped = |part: &&Part| !matches!(part.piece, Piece::Filler | Piece::Mark(Mark::Is));
        let part = self.parts[..self.at].iter().rev().find(skipped)?;
        let Piece::Term(meanings) = &part.piece else { return None };
        let items = self.metrics(meanings);
        (!items.is_empty()).then(|| Choice { items, text: self.text(part) })
    }

    /// Whether "not" stands right before: "not in web".
    fn after_negation(&self) -> bool {
        let before = self.parts[..self.at].iter().rev().find(|part| part.piece != Piece::Filler);
        before.is_some_and(|part| {
            matches!(part.piece, Piece::Mark(Mark::Not | Mark::Remove | Mark::All | Mark::InsteadOf))
        })
    }

    /// Whether a ranking is asked for somewhere in the question.
    pub(crate) fn rank_ahead(&self) -> bool {
        self.draft.rank.is_some()
            || self.parts.iter().any(|part| {
                matches!(
                    part.piece,
                    Piece::Mark(Mark::Top(_) | Mark::Most(_) | Mark::Rank) | Piece::Superlative(_)
                )
            })
    }

    /// Whether the next phrase of weight is a value or a boolean.
    fn value_ahead(&self, from: usize) -> bool {
        let next = self.parts.iter().skip(from).find(|part| part.piece != Piece::Filler);
        match next.map(|part| &part.piece) {
            Some(Piece::Term(meanings)) => {
                (self.metrics(meanings).is_empty() || self.value_again(meanings))
                    && meanings.iter().any(|meaning| match meaning {
                        Meaning::Value { .. } => true,
                        Meaning::Dimension(at) | Meaning::LooseDimension(at) => self.is_boolean(*at),
                        _ => false,
                    })
            }
            _ => false,
        }
    }

    /// Whether the next phrase of weight names a dimension.
    fn dimension_ahead(&self, from: usize) -> bool {
        let next = self.parts.iter().skip(from).find(|part| part.piece != Piece::Filler);
        matches!(next.map(|part| &part.piece), Some(Piece::Term(meanings)) if !self.dimensions(meanings).is_empty())
    }

    /// Whether a phrase is a value of the dimension of the last condition: "placed or shipped".
    fn value_again(&self, meanings: &[Meaning]) -> bool {
        let Some(FilterAsk { test: TestAsk::Value(last), .. }) = self.draft.filters.last() else {
            return false;
        };
        let again = |meaning: &Meaning| match meaning {
            Meaning::Value { dimension, .. } => last.iter().any(|(known, _)| known == dimension),
            _ => false,
        };
        meanings.iter().any(again)
    }

    pub(crate) fn text(&self, part: &Part) -> String {
        let words: Vec<&str> =
            self.tokens[part.from..part.to].iter().map(|token| token.text.as_str()).collect();
        words.join(" ")
    }

    /// The metrics a phrase may mean, count metrics only where a count is asked or nothing else fits.
    pub(crate) fn metrics(&self, meanings: &[Meaning]) -> Vec<usize> {
        let things = meanings.iter().any(|m| !matches!(m, Meaning::Metric(_) | Meaning::CountMetric(_)));
        meanings
            .iter()
            .filter_map(|meaning| match meaning {
                Meaning::Metric(at) => Some(*at),
                Meaning::CountMetric(at) if self.how_many || !things => Some(*at),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn dimensions(&self, meanings: &[Meaning]) -> Vec<usize> {
        let found = meanings.iter().filter_map(|meaning| match meaning {
            Meaning::Dimension(at) | Meaning::LooseDimension(at) => Some(*at),
            _ => None,
        });
        found.collect()
    }
}

pub(crate) fn is_time(vocabulary: &Vocabulary, item: usize) -> bool {
    vocabulary
        .dimensions
        .get(item)
        .is_some_and(|term| matches!(term.kind, crate::vocabulary::DimensionKind::Time { .. }))
}

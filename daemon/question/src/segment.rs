//! Segments: the tokens of a question cut into phrases, the cheapest cut of all.
//!
//! Every token gets exactly one role. Fewer and longer phrases of the model win over many short ones; a token that fits
//! nowhere is `Unknown` and makes the cut so dear that any other one wins.

use crate::index::{Index, LONGEST, Meaning};
use crate::mark::{Mark, Rank};
use crate::timephrase::{TimePhrase, TimeReader};
use crate::token::Token;
use crate::words;

/// A phrase of the question.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) piece: Piece,
    /// First token.
    pub(crate) from: usize,
    /// One past the last token.
    pub(crate) to: usize,
    /// A comma or colon stands before it.
    pub(crate) comma: bool,
}

/// What a phrase is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Piece {
    Term(Vec<Meaning>),
    Mark(Mark),
    Time(TimePhrase),
    Number(String),
    /// "highest", "smallest".
    Superlative(Rank),
    Filler,
    Unknown,
}

/// Which cuts are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cutter<'a> {
    pub(crate) index: &'a Index,
    pub(crate) time: TimeReader,
    pub(crate) marks: &'a Marks,
    /// Whether metrics may be read; off when a filter is taken apart again.
    pub(crate) metrics: bool,
}

/// The grammar phrases by their first word.
pub(crate) type Marks = std::collections::HashMap<&'static str, Vec<(Vec<&'static str>, Mark)>>;

/// Builds the look-up of grammar phrases.
pub(crate) fn marks() -> Marks {
    let mut marks = Marks::new();
    for (phrase, mark) in words::MARKS {
        let split: Vec<&str> = phrase.split(' ').collect();
        if let Some(first) = split.first() {
            marks.entry(first).or_default().push((split.clone(), *mark));
        }
    }
    marks
}

const UNKNOWN: u32 = 10_000;

impl Cutter<'_> {
    /// The cheapest cut of `tokens[from..to]`.
    pub(crate) fn cut(&self, tokens: &[Token], from: usize, to: usize) -> Vec<Part> {
        let tokens_here = &tokens[..to];
        let size = to - from;
        let mut best: Vec<Option<(u32, Part)>> = vec![None; size + 1];
        // From the end: best[i] is the cheapest cut of what starts at i, so ties go to the longer first phrase.
        for at in (from..to).rev() {
            for part in self.phrases(tokens_here, at) {
                let rest = best[part.to - from].as_ref().map_or(0, |(cost, _)| *cost);
                let cost = self.cost(tokens_here, &part).saturating_add(rest);
                let slot = &mut best[at - from];
                let better = match slot {
                    Some((known, other)) => cost < *known || (cost == *known && part.to > other.to),
                    None => true,
                };
                if better {
                    *slot = Some((cost, part));
                }
            }
        }
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(Some((_, part))) = best.get(at) {
            at = part.to - from;
            parts.push(part.clone());
        }
        parts
    }

    /// Every phrase that may start at `at`.
    fn phrases(&self, tokens: &[Token], at: usize) -> Vec<Part> {
        let token = &tokens[at];
        let part = |piece, len: usize| Part { piece, from: at, to: at + len, comma: token.comma };
        let mut found = vec![part(Piece::Unknown, 1)];
        for len in 1..=LONGEST.min(tokens.len() - at) {
            let meanings = self.meanings(tokens, at, len);
            if !meanings.is_empty() {
                found.push(part(Piece::Term(meanings), len));
            }
        }
        for (phrase, mark) in self.marks.get(token.norm.as_str()).into_iter().flatten() {
            let fits = phrase.iter().enumerate().all(|(step, word)| {
                tokens.get(at + step).is_some_and(|token| token.norm == *word && (step == 0 || !token.comma))
            });
            if fits {
                found.push(part(Piece::Mark(*mark), phrase.len()));
            }
        }
        if let Some((len, phrase)) = self.time.read(tokens, at) {
            found.push(part(Piece::Time(phrase), len.min(tokens.len() - at)));
        }
        if let Some((len, digits)) = number(tokens, at) {
            found.push(part(Piece::Number(digits), len));
        }
        if let Some(rank) = words::superlative(&token.norm) {
            found.push(part(Piece::Superlative(rank), 1));
        }
        let polite_no = token.norm == "no" && at == 0 && tokens.get(1).is_none_or(|next| next.comma);
        if polite_no || words::is_filler(&token.norm) {
            found.push(part(Piece::Filler, 1));
        }
        found
    }

    fn meanings(&self, tokens: &[Token], at: usize, len: usize) -> Vec<Meaning> {
        let window = &tokens[at..at + len];
        let mut meanings = self.index.look_up(window);
        if !self.metrics {
            meanings.retain(|meaning| !matches!(meaning, Meaning::Metric(_) | Meaning::CountMetric(_)));
        }
        if window.iter().all(|token| self.is_grammar(token)) {
            let beside = self.beside(tokens, at, len);
            let shouted = at > 0 && window.iter().all(|token| token.text.starts_with(char::is_uppercase));
            meanings.retain(|meaning| match meaning {
                Meaning::Value { dimension, .. } => {
                    shouted || beside.iter().any(|near| same_dimension(near, *dimension))
                }
                _ => len > 1,
            });
        }
        meanings
    }

    fn is_grammar(&self, token: &Token) -> bool {
        let word = token.norm.as_str();
        words::is_filler(word)
            || self.marks.get(word).is_some_and(|list| list.iter().any(|(p, _)| p.len() == 1))
    }

    /// What the single tokens on both sides mean, a word like "is" between them skipped.
    fn beside(&self, tokens: &[Token], at: usize, len: usize) -> Vec<Meaning> {
        let small = ["is", "=", "the", "either", "in", "or", "and", "not", "are"];
        let before = tokens[..at].iter().rev().find(|token| !small.contains(&token.norm.as_str()));
        [before, tokens.get(at + len)]
            .into_iter()
            .flatten()
            .flat_map(|token| self.index.look_up(std::slice::from_ref(token)))
            .collect()
    }

    fn cost(&self, tokens: &[Token], part: &Part) -> u32 {
        let len = u32::try_from(part.to - part.from).unwrap_or(u32::MAX);
        match &part.piece {
            Piece::Unknown => UNKNOWN,
            Piece::Filler => 120,
            Piece::Number(_) => 60,
            Piece::Superlative(_) => 70,
            Piece::Mark(_) => 60 + 10 * len,
            Piece::Time(_) => 40 + 10 * len,
            Piece::Term(meanings) => {
                let weak = meanings
                    .iter()
                    .all(|m| matches!(m, Meaning::CountMetric(_) | Meaning::LooseDimension(_)));
                let base = 50 + 10 * len + if weak { 25 } else { 0 };
                base + if self.hides_time(tokens, part, meanings) { 300 } else { 0 }
            }
        }
    }

    /// Whether a metric's label swallows a time phrase that the person more likely means as one: "revenue since 2024".
    fn hides_time(&self, tokens: &[Token], part: &Part, meanings: &[Meaning]) -> bool {
        let metric =
            meanings.iter().all(|meaning| matches!(meaning, Meaning::Metric(_) | Meaning::CountMetric(_)));
        let named = tokens[part.from..part.to].iter().any(|token| token.glued);
        if !metric || named || part.to - part.from < 2 {
            return false;
        }
        (part.from + 1..part.to).any(|at| match self.time.read(&tokens[..part.to], at) {
            Some((_, TimePhrase::Period(_) | TimePhrase::Earlier(..))) => true,
            Some(_) | None => false,
        })
    }
}

fn same_dimension(meaning: &Meaning, dimension: usize) -> bool {
    matches!(meaning, Meaning::Dimension(at) | Meaning::LooseDimension(at) if *at == dimension)
}

/// Numbers in digits and words: "200", "five", "5 thousand", "a dozen".
fn number(tokens: &[Token], at: usize) -> Option<(usize, String)> {
    let token = tokens.get(at)?;
    let counted = |word: &str| {
        matches!(word, "than" | "least" | "most" | "over" | "under" | "top" | "bottom" | "above" | "below")
    };
    let (mut len, mut digits) = match token.number() {
        Some(digits) => (1, digits.to_owned()),
        None if token.norm == "one" && !tokens[..at].last().is_some_and(|before| counted(&before.norm)) => {
            return None;
        }
        None if token.norm == "a" => (1, "1".to_owned()),
        None => (1, words::number_word(&token.norm)?.to_string()),
    };
    while let Some(zeros) = tokens.get(at + len).and_then(|next| words::multiplier(&next.norm)) {
        let (whole, part) = digits.split_once('.').unwrap_or((digits.as_str(), ""));
        digits = crate::token::scale(whole, part, zeros);
        len += 1;
    }
    if token.norm == "a" {
        let dozen = tokens.get(at + 1).is_some_and(|next| next.norm == "dozen");
        return if dozen { Some((2, "12".to_owned())) } else { (len > 1).then_some((len, digits)) };
    }
    Some((len, digits))
}

//! Reader: the passes of one question, in order.

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use crate::build::{Builder, unplaced};
use crate::draft::Draft;
use crate::index::{Index, Meaning};
use crate::mark::Mark;
use crate::offers::offers;
use crate::plan::Plan;
use crate::reading::{Cannot, CannotKind, Outcome, Reading, Trouble, quoted};
use crate::segment::{self, Cutter, Marks, Part, Piece};
use crate::summary::summary;
use crate::timephrase::{TimePhrase, TimeReader};
use crate::token::{self, Token};
use crate::vocabulary::Vocabulary;
use crate::walk::Walk;
use crate::words;

/// The longest question read, in words. Longer texts are not questions, and reading must stay fast.
const LONGEST_QUESTION: usize = 80;
/// Typos mended in one question. With more, the words are named instead.
const MOST_TYPOS: usize = 6;

/// Reads questions about one vocabulary. Building it costs time in proportion to the values; reading does not.
#[derive(Debug)]
pub struct Reader {
    vocabulary: Vocabulary,
    index: Index,
    marks: Marks,
}

/// A question cut into phrases, with the typos mended.
struct Cut {
    tokens: Vec<Token>,
    parts: Vec<Part>,
    /// Words as typed and as read.
    corrections: Vec<(String, String)>,
}

impl Reader {
    /// Indexes a vocabulary.
    #[must_use]
    pub fn new(vocabulary: Vocabulary) -> Self {
        let index = Index::new(&vocabulary);
        Self { vocabulary, index, marks: segment::marks() }
    }

    /// The vocabulary the reader was built with.
    #[must_use]
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Reads one question against the clock and the reading of the question before it, if any.
    ///
    /// The same input gives the same outcome always. Every word of content has a part in a query, or there is none.
    #[must_use]
    pub fn read(&self, question: &str, now: DateTime<Utc>, previous: Option<&Reading>) -> Outcome {
        let tokens = token::tokenise(question);
        if tokens.len() > LONGEST_QUESTION {
            let message = format!(
                "the question has {} words, more than the {LONGEST_QUESTION} read at once",
                tokens.len()
            );
            let trouble = Trouble::new(CannotKind::Unclear, message, "ask in one or two short sentences");
            return Outcome::Cannot(self.cannot(trouble, &[], Vec::new(), now));
        }
        let cut = self.cut(tokens, now, previous);
        match self.plan(&cut, now, previous) {
            Ok(plan) => Outcome::Query(Box::new(self.reading(plan, &cut.corrections, now.date_naive()))),
            Err(trouble) => {
                let understood = self.understood(&cut);
                Outcome::Cannot(self.cannot(trouble, &cut.tokens, understood, now))
            }
        }
    }

    fn reading(&self, plan: Plan, corrections: &[(String, String)], today: NaiveDate) -> Reading {
        Reading {
            query: plan.query(&self.vocabulary),
            having: plan.having.clone(),
            limit: if plan.having.is_empty() { None } else { plan.limit },
            summary: summary(&plan, &self.vocabulary, corrections, today),
            chart: plan.chart,
            comparison: plan.comparison(&self.vocabulary),
            plan,
        }
    }

    /// Cuts the tokens into phrases; words that fit nowhere are mended when one spelling is near, and cut again.
    fn cut(&self, mut tokens: Vec<Token>, now: DateTime<Utc>, previous: Option<&Reading>) -> Cut {
        let time = time_reader(&tokens, now, previous);
        let cutter = Cutter { index: &self.index, time, marks: &self.marks, metrics: true };
        let mut parts = cutter.cut(&tokens, 0, tokens.len());
        let (mut corrections, mut denied) = (Vec::new(), Vec::new());
        let unknown: Vec<usize> =
            parts.iter().filter(|part| part.piece == Piece::Unknown).map(|part| part.from).collect();
        if unknown.len() > MOST_TYPOS {
            return Cut { tokens, parts, corrections };
        }
        for at in unknown {
            let token = &tokens[at];
            if self.index.knows(token) {
                continue;
            }
            if let Some(rest) = self.index.denied(token, &self.vocabulary) {
                denied.push((at, rest));
            } else if let Some(word) = self.index.correct(token)
                && let Some(mended) = token::tokenise(word).into_iter().next()
            {
                corrections.push((token.text.clone(), word.to_owned()));
                tokens[at] = Token { comma: token.comma, glued: token.glued, ..mended };
            }
        }
        for (at, rest) in denied.iter().rev() {
            let comma = tokens[*at].comma;
            let mut words = token::tokenise(&format!("non {rest}"));
            words.iter_mut().take(1).for_each(|word| word.comma = comma);
            tokens.splice(*at..=*at, words);
        }
        if !corrections.is_empty() || !denied.is_empty() {
            let time = time_reader(&tokens, now, previous);
            parts = Cutter { time, ..cutter }.cut(&tokens, 0, tokens.len());
        }
        Cut { tokens, parts, corrections }
    }

    fn plan(&self, cut: &Cut, now: DateTime<Utc>, previous: Option<&Reading>) -> Result<Plan, Trouble> {
        refuse_change(cut, previous.is_some())?;
        let cutter = Cutter {
            index: &self.index,
            time: time_reader(&cut.tokens, now, previous),
            marks: &self.marks,
            metrics: true,
        };
        let draft =
            Walk::new(&self.vocabulary, cutter, &cut.tokens, cut.parts.clone(), previous.is_some()).run();
        account(&draft)?;
        let builder =
            Builder { vocabulary: &self.vocabulary, entities: &self.index.entities, today: now.date_naive() };
        builder.build(&draft, previous.map(|reading| &reading.plan))
    }

    fn cannot(
        &self,
        mut trouble: Trouble,
        tokens: &[Token],
        understood: Vec<String>,
        now: DateTime<Utc>,
    ) -> Cannot {
        if trouble.metrics.is_empty() && trouble.kind == CannotKind::UnknownWords {
            trouble.metrics = self.named_metrics(tokens, now).into();
        }
        let works = |text: &str| {
            let cut = self.cut(token::tokenise(text), now, None);
            cut.corrections.is_empty() && self.plan(&cut, now, None).is_ok()
        };
        let offers = offers(&self.vocabulary, tokens, &trouble, works);
        Cannot {
            kind: trouble.kind,
            message: trouble.message,
            hint: trouble.hint,
            understood,
            unknown: trouble.unknown,
            choices: trouble.choices,
            offers,
        }
    }

    /// The metrics a question names although other words of it are unknown.
    fn named_metrics(&self, tokens: &[Token], now: DateTime<Utc>) -> Vec<usize> {
        let cut = self.cut(tokens.to_vec(), now, None);
        let terms = cut.parts.iter().filter_map(|part| match &part.piece {
            Piece::Term(meanings) => Some(meanings),
            _ => None,
        });
        terms
            .flatten()
            .filter_map(|meaning| if let Meaning::Metric(at) = meaning { Some(*at) } else { None })
            .collect()
    }

    fn understood(&self, cut: &Cut) -> Vec<String> {
        let known = cut.parts.iter().filter(|part| matches!(part.piece, Piece::Term(_) | Piece::Time(_)));
        known
            .map(|part| {
                let words: Vec<&str> =
                    cut.tokens[part.from..part.to].iter().map(|token| token.text.as_str()).collect();
                words.join(" ")
            })
            .collect()
    }
}

/// The clock of a question, with the year that months without one belong to.
fn time_reader(tokens: &[Token], now: DateTime<Utc>, previous: Option<&Reading>) -> TimeReader {
    let today = now.date_naive();
    let period = previous.and_then(|reading| reading.plan.period);
    let plain = TimeReader { today, year: None, follows: period.is_some() };
    let mut years: Vec<i32> = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if matches!(token.norm.as_str(), "vs" | "versus" | "compared" | "against") {
            break;
        }
        let (len, phrase) = plain.read(tokens, at).unwrap_or((1, TimePhrase::AllTime));
        let said = |year: i32| {
            tokens[at..at + len.min(tokens.len() - at)]
                .iter()
                .any(|token| token.text.contains(&year.to_string()))
        };
        if let TimePhrase::Period(period) = phrase
            && let Some(year) = period.within_year()
            && (said(year)
                || matches!(tokens[at].norm.as_str(), "last" | "this")
                    && period.exact_unit() == Some(crate::grain::Grain::Year))
            && !years.contains(&year)
        {
            years.push(year);
        }
        at += len.max(1);
    }
    let year = match years.as_slice() {
        [] => period.and_then(|period| period.within_year()).filter(|year| *year != today.year()),
        [year] => Some(*year),
        _ => None,
    };
    TimeReader { year, ..plain }
}

/// Refuses a request to change data.
fn refuse_change(cut: &Cut, follows: bool) -> Result<(), Trouble> {
    let first = cut.parts.iter().position(|part| part.piece != Piece::Filler);
    // A second clause may hide the request: "revenue; drop table orders".
    let openings = cut.parts.iter().enumerate().filter(|(at, part)| part.comma || Some(*at) == first);
    openings.map(|(_, part)| part).try_for_each(|part| refuse_clause(cut, part, follows))
}

fn refuse_clause(cut: &Cut, first: &Part, follows: bool) -> Result<(), Trouble> {
    let word = &cut.tokens[first.from];
    if !words::CHANGE_VERBS.contains(&word.norm.as_str()) {
        return Ok(());
    }
    let table = cut
        .tokens
        .get(first.from + 1)
        .is_some_and(|next| matches!(next.norm.as_str(), "table" | "all" | "from" | "view"));
    let session = matches!(first.piece, Piece::Mark(Mark::Remove)) && follows && !table;
    let phrase = matches!(first.piece, Piece::Mark(_)) && !matches!(first.piece, Piece::Mark(Mark::Remove));
    if session || phrase || matches!(first.piece, Piece::Term(_)) {
        return Ok(());
    }
    let message = format!("questions only read data, and “{}” asks for a change", word.norm);
    Err(Trouble::new(CannotKind::Refused, message, "ask for a figure instead"))
}

/// Every word of content must have its place.
fn account(draft: &Draft) -> Result<(), Trouble> {
    if !draft.unknown.is_empty() {
        let message = format!("nothing in the model is called {}", quoted(&draft.unknown));
        let trouble = Trouble::new(
            CannotKind::UnknownWords,
            message,
            "use the names of the model, or ask one of the offers",
        );
        return Err(Trouble { unknown: draft.unknown.clone(), ..trouble });
    }
    if !draft.unclear.is_empty() {
        let message = format!("the date {} can be read two ways", quoted(&draft.unclear));
        let trouble = Trouble::new(
            CannotKind::Ambiguous,
            message,
            "write it as year-month-day, for example 2024-03-04",
        );
        return Err(Trouble { choices: draft.unclear.clone(), ..trouble });
    }
    if draft.unplaced.is_empty() { Ok(()) } else { Err(unplaced(&draft.unplaced)) }
}

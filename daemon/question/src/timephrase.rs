//! Time phrases: "last month", "Q3 2024", "from march to may", "past 6 weeks", "the day before".

use chrono::{Datelike, NaiveDate};

use crate::grain::Grain;
use crate::period::{self, Period};
use crate::token::{Token, TokenKind};
use crate::words;

/// What a time phrase says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimePhrase {
    /// Some days.
    Period(Period),
    /// A step on the time axis: "monthly".
    Grain(Grain),
    /// The period before the one in question; without a grain by its own length.
    Earlier(Option<Grain>, i32),
    /// No limit on the time.
    AllTime,
    /// A date that can be read two ways.
    Unclear,
}

/// Reads time phrases against a clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TimeReader {
    /// The day that holds "now".
    pub(crate) today: NaiveDate,
    /// The year a month without one belongs to, when the question or the session has named it.
    pub(crate) year: Option<i32>,
    /// Whether the question follows another one that has a period, so that "the previous month" is relative to it.
    pub(crate) follows: bool,
}

type Found<T> = Option<(usize, T)>;

impl TimeReader {
    /// The longest time phrase that starts at `at`: how many tokens, and what it says.
    pub(crate) fn read(&self, tokens: &[Token], at: usize) -> Found<TimePhrase> {
        let rest = tokens.get(at..)?;
        if !self.follows && tokens[..at].iter().any(|token| VERSUS.contains(&token.norm.as_str())) {
            return Self { follows: true, ..*self }.read(tokens, at);
        }
        let span =
            |found: Option<(usize, Period)>| found.map(|(len, period)| (len, TimePhrase::Period(period)));
        let found = [
            span(self.range(rest)),
            span(self.bounded(rest)),
            self.earlier(rest),
            self.grain(rest),
            all_time(rest),
            (rest.first()?.kind == TokenKind::Unclear).then_some((1, TimePhrase::Unclear)),
            span(self.unit(rest, at.checked_sub(1).and_then(|before| tokens.get(before)))),
        ];
        found.into_iter().flatten().max_by_key(|(len, _)| *len)
    }

    /// "from A to B", "between A and B", "A to B".
    fn range(&self, rest: &[Token]) -> Found<Period> {
        let opener = match norm(rest, 0) {
            "from" | "between" => 1,
            _ => 0,
        };
        let between = norm(rest, 0) == "between";
        let (mut first_len, mut first) = self.unit(rest.get(opener..)?, None)?;
        let joint = opener + first_len;
        let joined = match norm(rest, joint) {
            "to" | "until" | "till" | "through" | "thru" => true,
            "and" => between,
            _ => false,
        };
        if !joined {
            return None;
        }
        let after = rest.get(joint + 1..)?;
        let (second_len, second) = self.unit(after, None)?;
        // "from march to may 2024": the year is said once, at the end.
        let dated = Self { year: second.within_year().or(self.year), ..*self };
        if let Some((len, period)) = dated.unit(rest.get(opener..)?, None) {
            (first_len, first) = (len, period);
        }
        let len = opener + first_len + 1 + second_len;
        if between && only_years(&rest[..len]) && norm(rest, len).chars().any(char::is_alphabetic) {
            let next = norm(rest, len);
            if words::MARKS.iter().all(|(phrase, _)| *phrase != next) {
                // "between 2000 and 2100 orders" counts; it does not date.
                return None;
            }
        }
        let (mut start, end) = (first.start?, second.end?);
        if start > end && first.exact_unit() < Some(Grain::Year) {
            // "from november to february": the start lies in the year before.
            start = first.moved(Some(Grain::Year), -1)?.start?;
        }
        (start <= end).then_some((len, Period::new(start, end)))
    }

    /// "since A", "before A", "until A", "after A", "from A on".
    fn bounded(&self, rest: &[Token]) -> Found<Period> {
        let (skip, word) = match (norm(rest, 0), norm(rest, 1)) {
            ("starting" | "beginning", "in" | "from" | "on" | "with") => (2, "since"),
            ("prior", "to") => (2, "before"),
            ("up", "to") | ("up", "until") => (2, "until"),
            ("earlier", "than") => (2, "before"),
            ("later", "than") => (2, "after"),
            (word, _) => (1, word),
        };
        let inner = rest.get(skip..)?;
        let (len, unit) = match norm(inner, 0) {
            "now" => (1, Period::day(self.today)),
            "the" => self
                .unit(inner, None)
                .or_else(|| self.unit(inner.get(1..)?, None).map(|(n, p)| (n + 1, p)))?,
            _ => self.unit(inner, None)?,
        };
        let whole = skip + len;
        let today = self.today;
        let since = |start: NaiveDate| Period { start: Some(start), end: (start <= today).then_some(today) };
        Some(match word {
            "since" => (whole, since(unit.start?)),
            "after" => (whole, since(unit.end?.succ_opt()?)),
            "before" => (whole, Period { start: None, end: unit.start?.pred_opt() }),
            "until" | "till" | "through" | "thru" => (whole, Period { start: None, end: unit.end }),
            "from" => match (norm(rest, whole), norm(rest, whole + 1)) {
                ("on" | "onwards" | "onward", _) => (whole + 1, since(unit.start?)),
                ("to" | "until" | "till", "now" | "date") => (whole + 2, since(unit.start?)),
                // A single day opens a range; "from may" is just may.
                _ if dated(inner) && unit.exact_unit() == Some(Grain::Day) => (whole, since(unit.start?)),
                _ => return None,
            },
            _ => return None,
        })
    }

    /// One named stretch of time.
    fn unit(&self, rest: &[Token], before: Option<&Token>) -> Found<Period> {
        let found = [
            self.written(rest, before),
            self.relative(rest),
            self.so_far(rest),
            self.parts(rest),
            self.day_name(rest),
        ];
        found.into_iter().flatten().max_by_key(|(len, _)| *len)
    }

    /// Dates, years and months as written.
    fn written(&self, rest: &[Token], before: Option<&Token>) -> Found<Period> {
        let first = rest.first()?;
        match &first.kind {
            TokenKind::Date(day) => return Some((1, Period::day(*day))),
            TokenKind::Month(year, month) => return Some((1, Period::month(*year, *month)?)),
            _ => {}
        }
        if let Some(found) = self.day_and_month(rest) {
            return Some(found);
        }
        if norm(rest, 0) == "year" || norm(rest, 0) == "calendar" {
            let (len, period) = self.written(rest.get(1..)?, None)?;
            return (period.exact_unit() == Some(Grain::Year)).then_some((len + 1, period));
        }
        if norm(rest, 0) == "week" && matches!(norm(rest, 1), "of" | "commencing" | "starting" | "beginning")
        {
            let article = usize::from(norm(rest, 2) == "the");
            let (len, period) = self.written(rest.get(2 + article..)?, None)?;
            let day = (period.exact_unit() == Some(Grain::Day)).then_some(period.start?)?;
            return Some((len + 2 + article, Period::unit(Grain::Week, day)?));
        }
        if norm(rest, 0) == "month" && norm(rest, 1) == "of" {
            let (len, period) = self.written(rest.get(2..)?, None)?;
            return (period.exact_unit() == Some(Grain::Month)).then_some((len + 2, period));
        }
        if let Some(month) = words::month(&first.norm) {
            if first.norm == "may" && matches!(norm(rest, 1), "i" | "we" | "you") {
                return None;
            }
            return match year_at(rest, 1)
                .or_else(|| (norm(rest, 1) == "of").then(|| year_at(rest, 2)).flatten())
            {
                Some(year) => Some((if norm(rest, 1) == "of" { 3 } else { 2 }, Period::month(year, month)?)),
                None => Some((1, self.latest_month(month)?)),
            };
        }
        let year = year_at(rest, 0)?;
        let counts = before
            .is_some_and(|token| COUNTING.contains(&token.norm.as_str()) || token.kind == TokenKind::Sign);
        (!counts).then_some(())?;
        Some((1, Period::year(year)?))
    }

    /// "5 march 2024", "march 5, 2024", "the 5th of march".
    fn day_and_month(&self, rest: &[Token]) -> Found<Period> {
        let article = usize::from(norm(rest, 0) == "the");
        let rest = rest.get(article..)?;
        let (mut len, day, month) = if let Some(day) = day_number(rest.first()?) {
            let of = usize::from(norm(rest, 1) == "of");
            (2 + of, day, words::month(norm(rest, 1 + of))?)
        } else {
            let month = words::month(norm(rest, 0))?;
            let the = usize::from(norm(rest, 1) == "the");
            (2 + the, day_number(rest.get(1 + the)?)?, month)
        };
        let date = match year_at(rest, len) {
            Some(year) => {
                len += 1;
                NaiveDate::from_ymd_opt(year, month, day)?
            }
            None => {
                let year = self.year.unwrap_or(self.today.year());
                let date = NaiveDate::from_ymd_opt(year, month, day)?;
                if self.year.is_none() && date > self.today { date.with_year(year - 1)? } else { date }
            }
        };
        Some((len + article, Period::day(date)))
    }

    /// The named month in the year in question, else the latest one that has begun.
    fn latest_month(&self, month: u32) -> Option<Period> {
        let year = self.year.unwrap_or_else(|| self.today.year() - i32::from(month > self.today.month()));
        Period::month(year, month)
    }

    /// "today", "yesterday", "last month", "past 6 weeks", "3 months ago".
    fn relative(&self, rest: &[Token]) -> Found<Period> {
        let today = self.today;
        match norm(rest, 0) {
            "today" => return Some((1, Period::day(today))),
            "yesterday" => return Some((1, Period::day(today.pred_opt()?))),
            "day" if norm(rest, 1) == "before" && norm(rest, 2) == "yesterday" => {
                return Some((3, Period::day(period::add_days(today, -2)?)));
            }
            "the" => return self.relative(rest.get(1..)?).map(|(len, period)| (len + 1, period)),
            _ => {}
        }
        if let Some(found) = self.ago(rest) {
            return Some(found);
        }
        let word = norm(rest, 0);
        let past = matches!(
            word,
            "last" | "past" | "previous" | "prior" | "preceding" | "recent" | "latest" | "trailing"
        );
        if !past && !matches!(word, "this" | "current") {
            return None;
        }
        if past {
            let whole =
                |at: usize| usize::from(matches!(norm(rest, at), "full" | "complete" | "calendar" | "whole"));
            let first = whole(1);
            let counted = count_at(rest, 1 + first).or((first > 0).then_some((0, 1)));
            let complete =
                first + counted.map_or(0, |(used, _)| if first == 0 { whole(1 + used) } else { 0 });
            if let Some((used, count)) = counted
                && let Some(grain) =
                    Grain::from_noun(norm(rest, 1 + complete + used)).filter(|grain| *grain >= Grain::Day)
            {
                let length = 2 + complete + used;
                let period = if complete > 0 {
                    let end = period::floor(grain, today)?;
                    Period::new(period::shift(grain, end, -count)?, end.pred_opt()?)
                } else {
                    period::rolling(grain, count, today)?
                };
                return Some((length, period));
            }
        }
        if let Some(month) = words::month(norm(rest, 1)) {
            return Some((2, self.month_said(month, past)?));
        }
        let grain = Grain::from_noun(norm(rest, 1))
            .filter(|grain| *grain >= Grain::Day && !norm(rest, 1).ends_with('s'))?;
        if matches!(word, "previous" | "prior" | "preceding") && self.follows {
            return None;
        }
        match word {
            "this" | "current" => Some((2, Period::unit(grain, today)?)),
            "past" | "trailing" => Some((2, period::rolling(grain, 1, today)?)),
            _ => Some((2, Period::unit(grain, period::shift(grain, period::floor(grain, today)?, -1)?)?)),
        }
    }

    /// "last march", "this march".
    fn month_said(&self, month: u32, past: bool) -> Option<Period> {
        if !past {
            return Period::month(self.today.year(), month);
        }
        let latest = Self { year: None, ..*self }.latest_month(month)?;
        if latest.end? >= self.today { latest.moved(Some(Grain::Year), -1) } else { Some(latest) }
    }

    /// "3 months ago", "a year ago": the calendar unit that was then.
    fn ago(&self, rest: &[Token]) -> Found<Period> {
        let (used, count) = match norm(rest, 0) {
            "a" | "an" => (1, 1),
            _ => count_at(rest, 0)?,
        };
        let grain = Grain::from_noun(norm(rest, used)).filter(|grain| *grain >= Grain::Day)?;
        (norm(rest, used + 1) == "ago").then_some(())?;
        Some((used + 2, Period::unit(grain, period::shift(grain, self.today, -count)?)?))
    }

    /// "year to date", "ytd", "so far this year", "this month so far".
    fn so_far(&self, rest: &[Token]) -> Found<Period> {
        let so_far = |at: usize| norm(rest, at) == "so" && norm(rest, at + 1) == "far";
        let (len, grain) = match norm(rest, 0) {
            "ytd" => (1, Grain::Year),
            "qtd" => (1, Grain::Quarter),
            "mtd" => (1, Grain::Month),
            "wtd" => (1, Grain::Week),
            "so" if so_far(0) && norm(rest, 2) == "this" => (4, Grain::from_noun(norm(rest, 3))?),
            "this" if so_far(2) => (4, Grain::from_noun(norm(rest, 1))?),
            word => {
                (norm(rest, 1) == "to" && norm(rest, 2) == "date").then_some(())?;
                (3, Grain::from_noun(word)?)
            }
        };
        Some((len, Period::new(period::floor(grain, self.today)?, self.today)))
    }

    /// Quarters and halves: "Q3 2024", "2024 Q3", "third quarter of 2024", "H1".
    fn parts(&self, rest: &[Token]) -> Found<Period> {
        if let Some(year) = year_at(rest, 0) {
            let (len, (months, number)) = part_name(rest.get(1..)?)?;
            return Some((1 + len, part_of(year, months, number)?));
        }
        if norm(rest, 0) == "the" {
            return self.parts(rest.get(1..)?).map(|(len, period)| (len + 1, period));
        }
        let (len, (months, number)) = part_name(rest)?;
        let of = usize::from(matches!(norm(rest, len), "of" | "in"));
        if let Some(year) = year_at(rest, len + of) {
            return Some((len + of + 1, part_of(year, months, number)?));
        }
        let relative = match (norm(rest, len + of), norm(rest, len + of + 1)) {
            ("last", "year") => Some(self.today.year() - 1),
            ("this", "year") => Some(self.today.year()),
            _ => None,
        };
        if let Some(year) = relative {
            return Some((len + of + 2, part_of(year, months, number)?));
        }
        if let Some(year) = self.year {
            return Some((len, part_of(year, months, number)?));
        }
        let period = part_of(self.today.year(), months, number)?;
        let begun = period.start? <= self.today;
        Some((len, if begun { period } else { part_of(self.today.year() - 1, months, number)? }))
    }

    /// "monday", "last friday": the latest one before today.
    fn day_name(&self, rest: &[Token]) -> Found<Period> {
        let skip = usize::from(norm(rest, 0) == "last");
        let wanted = i32::try_from(words::weekday(norm(rest, skip))?).ok()?;
        let now = i32::try_from(self.today.weekday().num_days_from_monday()).ok()?;
        let back = (now - wanted - 1).rem_euclid(7) + 1;
        Some((skip + 1, Period::day(period::add_days(self.today, -back)?)))
    }

    /// "the day before", "previous period", "the same period last year".
    fn earlier(&self, rest: &[Token]) -> Found<TimePhrase> {
        let the = usize::from(norm(rest, 0) == "the");
        if norm(rest, the) == "same"
            && (norm(rest, the + 1) == "period" || Grain::from_noun(norm(rest, the + 1)).is_some())
        {
            let of = usize::from(norm(rest, the + 2) == "of");
            let at = the + 2 + of + usize::from(norm(rest, the + 2 + of) == "the");
            let back = matches!(norm(rest, at), "last" | "previous" | "prior");
            let grain = Grain::from_noun(norm(rest, at + 1))?;
            return back.then_some((at + 2, TimePhrase::Earlier(Some(grain), -1)));
        }
        let named = |word: &str| match word {
            "period" => Some(None),
            other => Grain::from_noun(other).filter(|grain| *grain >= Grain::Day).map(Some),
        };
        match norm(rest, the) {
            "previous" | "prior" | "preceding" => {
                Some((the + 2, TimePhrase::Earlier(named(norm(rest, the + 1))?, -1)))
            }
            "last" if norm(rest, the + 1) == "period" => Some((the + 2, TimePhrase::Earlier(None, -1))),
            "next" | "following" if self.follows => {
                Some((the + 2, TimePhrase::Earlier(named(norm(rest, the + 1))?, 1)))
            }
            "one" | "a" if the == 0 => self.earlier_step(rest, 1, named(norm(rest, 1))?),
            word => self.earlier_step(rest, the, named(word)?),
        }
    }

    fn earlier_step(&self, rest: &[Token], at: usize, grain: Option<Grain>) -> Found<TimePhrase> {
        let count = match norm(rest, at + 1) {
            "before" | "earlier" | "prior" => -1,
            "after" | "later" => 1,
            _ => return None,
        };
        // "the day before yesterday", "the month before march": the words that follow say which.
        let dated = self.unit(rest.get(at + 2..)?, None).is_some();
        (!dated).then_some((at + 2, TimePhrase::Earlier(grain, count)))
    }

    /// "monthly", "month", "month by month", "day of the week" is not one.
    fn grain(&self, rest: &[Token]) -> Found<TimePhrase> {
        let word = norm(rest, 0);
        if let Some(grain) = Grain::from_adverb(word) {
            return Some((1, TimePhrase::Grain(grain)));
        }
        let calendar = usize::from(word == "calendar");
        let grain = Grain::from_noun(norm(rest, calendar))?;
        let doubled = norm(rest, 1) == "by" && Grain::from_noun(norm(rest, 2)) == Some(grain);
        if norm(rest, 1) == "of" {
            // "day of week", "month of year" are date parts, not grains.
            let part = norm(rest, 2) == "week" || norm(rest, 3) == "week" || norm(rest, 2) == "year";
            if part {
                return None;
            }
        }
        Some((if doubled { 3 } else { 1 + calendar }, TimePhrase::Grain(grain)))
    }
}

fn all_time(rest: &[Token]) -> Found<TimePhrase> {
    match (norm(rest, 0), norm(rest, 1), norm(rest, 2)) {
        ("of", "all", "time") => Some((3, TimePhrase::AllTime)),
        ("all", "time", _) | ("all", "years", _) | ("any", "time", _) => Some((2, TimePhrase::AllTime)),
        ("ever", _, _) => Some((1, TimePhrase::AllTime)),
        _ => None,
    }
}

/// Words after which "the previous month" is counted from the period compared.
const VERSUS: &[&str] = &["versus", "vs", "compared", "compare", "against", "than", "relative"];

/// Words before a number that make it a count and not a year.
const COUNTING: &[&str] = &[
    "than",
    "least",
    "most",
    "over",
    "under",
    "above",
    "below",
    "exceeding",
    "top",
    "bottom",
    "exceeds",
    "exactly",
    "best",
    "worst",
    "exceed",
    "limit",
    "it",
];

fn norm(tokens: &[Token], at: usize) -> &str {
    tokens.get(at).map_or("", |token| token.norm.as_str())
}

/// Whether a phrase begins with a written date and not with "yesterday" or a weekday.
fn dated(tokens: &[Token]) -> bool {
    let number = |token: &Token| matches!(token.kind, TokenKind::Date(_)) || day_number(token).is_some();
    let month = words::month(norm(tokens, 0)).is_some();
    tokens.first().is_some_and(number) || (month && tokens.get(1).is_some_and(number))
}

fn only_years(tokens: &[Token]) -> bool {
    tokens.iter().filter(|token| token.number().is_some()).count() == 2
        && tokens.iter().all(|token| words::month(&token.norm).is_none())
}

fn year_at(tokens: &[Token], at: usize) -> Option<i32> {
    let token = tokens.get(at)?;
    (token.text.len() == 4).then_some(())?;
    token.number()?.parse().ok().filter(|year| (1900..=2199).contains(year))
}

fn day_number(token: &Token) -> Option<u32> {
    let digits = token.norm.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let ending = &token.norm[digits.len()..];
    let plain = matches!(ending, "" | "st" | "nd" | "rd" | "th") && digits.len() <= 2;
    plain.then(|| digits.parse().ok()).flatten().filter(|day| (1..=31).contains(day))
}

fn count_at(tokens: &[Token], at: usize) -> Found<i32> {
    let token = tokens.get(at)?;
    if matches!(token.norm.as_str(), "couple") && norm(tokens, at + 1) == "of" {
        return Some((2, 2));
    }
    let count = match token.number() {
        Some(digits) => digits.parse().ok(),
        None => words::number_word(&token.norm).and_then(|count| i32::try_from(count).ok()),
    };
    count.filter(|count| (1..=10_000).contains(count)).map(|count| (1, count))
}

/// Length in months and number of a part of the year: Q3 is (3, 3), H1 is (6, 1).
fn part_name(tokens: &[Token]) -> Found<(u32, u32)> {
    let word = norm(tokens, 0);
    let coded = |letter: char, most: u32| {
        word.strip_prefix(letter)
            .and_then(|rest| rest.parse::<u32>().ok())
            .filter(|number| (1..=most).contains(number))
    };
    if let Some(number) = coded('q', 4) {
        return Some((1, (3, number)));
    }
    if let Some(number) = coded('h', 2) {
        return Some((1, (6, number)));
    }
    let number = words::ordinal(word)?;
    match norm(tokens, 1) {
        "quarter" => Some((2, (3, number))),
        "half" => (number <= 2).then_some((2, (6, number))),
        _ => None,
    }
}

fn part_of(year: i32, months: u32, number: u32) -> Option<Period> {
    let start = NaiveDate::from_ymd_opt(year, (number - 1) * months + 1, 1)?;
    let end = start.checked_add_months(chrono::Months::new(months))?.pred_opt()?;
    Some(Period::new(start, end))
}

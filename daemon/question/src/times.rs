//! Times: the periods of a question laid on the plan, and what the result is compared with.

use chrono::NaiveDate;

use crate::draft::{Draft, PeriodAsk};
use crate::grain::Grain;
use crate::period::Period;
use crate::plan::{Against, Group, Plan, Test};
use crate::reading::{CannotKind, Trouble};

/// Lays the periods of `draft` on `plan`.
pub(crate) fn apply(draft: &Draft, plan: &mut Plan, today: NaiveDate, follows: bool) -> Result<(), Trouble> {
    let pick = |negated: bool, versus: bool| -> Vec<Period> {
        let wanted = |ask: &&PeriodAsk| ask.negated == negated && ask.versus == versus;
        draft.periods.iter().filter(wanted).map(|ask| ask.period).collect()
    };
    let mut stated = pick(false, false);
    let mut others = pick(false, true);
    if draft.compare && others.is_empty() && stated.len() == 2 {
        others.extend(stated.pop());
    }
    if draft.all_time {
        (plan.period, plan.among, plan.without) = (None, Vec::new(), Vec::new());
    }
    if !stated.is_empty() {
        (plan.among, plan.without) = (Vec::new(), Vec::new());
        state(plan, &stated)?;
    }
    if let Some((grain, count)) = draft.earlier {
        move_period(plan, grain, count, today, follows)?;
    }
    for period in pick(true, false) {
        leave_out(plan, period)?;
    }
    compare(draft, plan, &others, today)
}

fn unclear(message: &str, hint: &str) -> Trouble {
    Trouble::new(CannotKind::Unclear, message.to_owned(), hint)
}

/// One period, nested ones, or several of one grain.
fn state(plan: &mut Plan, stated: &[Period]) -> Result<(), Trouble> {
    let mut periods = stated.to_vec();
    periods.sort_unstable_by_key(|period| (period.start, period.end));
    let mut rest = periods.iter();
    let Some(mut whole) = rest.next().copied() else { return Ok(()) };
    let mut apart = false;
    for next in rest {
        let nested = whole.meet(next).filter(|common| common == next || *common == whole);
        let joined = whole.end.and_then(|end| end.succ_opt()) == next.start && next.start.is_some();
        if let Some(common) = nested {
            whole = common;
        } else if joined {
            whole = Period { start: whole.start, end: next.end };
        } else {
            apart = true;
        }
    }
    if !apart {
        plan.period = Some(whole);
        return Ok(());
    }
    let grain = periods.first().and_then(Period::exact_unit);
    if grain.is_none() || periods.iter().any(|period| period.exact_unit() != grain) {
        return Err(unclear(
            "the question names several periods that do not fit together",
            "ask for one period at a time",
        ));
    }
    let ends =
        (periods.first().and_then(|period| period.start), periods.last().and_then(|period| period.end));
    plan.period = Some(Period { start: ends.0, end: ends.1 });
    plan.among = periods;
    Ok(())
}

/// "the day before": the period of the session moved, or counted from today in a first question.
fn move_period(
    plan: &mut Plan,
    grain: Option<Grain>,
    count: i32,
    today: NaiveDate,
    follows: bool,
) -> Result<(), Trouble> {
    let base = match (plan.period, grain) {
        (Some(period), _) => Some(period),
        (None, Some(grain)) if !follows => Period::unit(grain, today),
        _ => None,
    };
    let moved = base.and_then(|period| {
        let smaller = period.exact_unit().is_some_and(|own| grain.is_some_and(|grain| grain < own));
        if smaller {
            // "the day before" a month: the day before its first one.
            Period::unit(grain?, period.start?)?.moved(grain, count)
        } else {
            period.moved(grain, count)
        }
    });
    match moved {
        Some(period) => {
            plan.period = Some(period);
            (plan.among, plan.without) = (Vec::new(), Vec::new());
            Ok(())
        }
        None => {
            Err(unclear("there is no period to go back from", "name the period, for example “last month”"))
        }
    }
}

/// "excluding december": the range gets shorter, or the step is filtered out.
fn leave_out(plan: &mut Plan, out: Period) -> Result<(), Trouble> {
    let Some(range) = plan.period else {
        return Err(unclear(
            "it is not clear which range to leave a period out of",
            "name the range too, for example “in 2024”",
        ));
    };
    let Some(common) = range.meet(&out) else { return Ok(()) };
    let before = common.start.and_then(|day| day.pred_opt());
    let after = common.end.and_then(|day| day.succ_opt());
    if common == range {
        return Err(unclear("the part left out is the whole range", "name a wider range"));
    }
    if common.end == range.end {
        plan.period = Some(Period { start: range.start, end: before });
    } else if common.start == range.start {
        plan.period = Some(Period { start: after, end: range.end });
    } else if out.exact_unit().is_some() {
        plan.without.push(out);
    } else {
        return Err(unclear(
            "a period in the middle can only be left out when it is a whole day, week, month, quarter or year",
            "name such a period",
        ));
    }
    Ok(())
}

fn compare(draft: &Draft, plan: &mut Plan, others: &[Period], today: NaiveDate) -> Result<(), Trouble> {
    let stepped = plan.groups.iter().find_map(|group| match group {
        Group::Time(grain) => Some(*grain),
        _ => None,
    });
    if let Some((grain, count)) = draft.versus_earlier {
        match (plan.period, stepped) {
            (Some(_), _) => plan.against = Some(Against::Moved { grain, count }),
            (None, Some(step)) => plan.against = Some(Against::Step(grain.unwrap_or(step))),
            (None, None) => {
                let now = grain.and_then(|grain| Period::unit(grain, today));
                plan.period = Some(now.ok_or_else(|| no_base("it is not clear which period to compare"))?);
                plan.against = Some(Against::Moved { grain, count });
            }
        }
        return bounded(plan);
    }
    match others {
        [] => check_versus(draft, plan),
        [other] => {
            against_period(plan, *other, stepped, today)?;
            bounded(plan)
        }
        _ => Err(unclear("only two periods can be compared at a time", "name two periods")),
    }
}

fn against_period(
    plan: &mut Plan,
    other: Period,
    stepped: Option<Grain>,
    today: NaiveDate,
) -> Result<(), Trouble> {
    let unit = other.exact_unit();
    let Some(base) = plan.period else {
        let grain = unit.ok_or_else(|| no_base("it is not clear what to compare that period with"))?;
        let now = Period::unit(grain, today).filter(|now| *now != other);
        let now = now.ok_or_else(|| no_base("that period cannot be compared with itself"))?;
        let last = now.moved(Some(grain), -1) == Some(other);
        if last && stepped.is_some_and(|step| step <= grain) && stepped == Some(grain) {
            plan.against = Some(Against::Step(grain));
            return Ok(());
        }
        plan.period = Some(now);
        plan.against = Some(Against::Period(other));
        return Ok(());
    };
    // "march 2024 compared with last year": the same month a year earlier.
    let years = match (unit, base.within_year(), other.within_year()) {
        (Some(Grain::Year), Some(own), Some(that)) if base.exact_unit() != Some(Grain::Year) => {
            Some(that - own)
        }
        _ => None,
    };
    plan.against = match years {
        Some(0) => return Err(no_base("the period compared with holds the period itself")),
        Some(count) => Some(Against::Moved { grain: Some(Grain::Year), count }),
        None if other == base => return Err(no_base("that period cannot be compared with itself")),
        None => Some(Against::Period(other)),
    };
    Ok(())
}

fn no_base(message: &str) -> Trouble {
    unclear(message, "name both periods, for example “march 2024 compared with february 2024”")
}

fn bounded(plan: &Plan) -> Result<(), Trouble> {
    let moved = matches!(plan.against, Some(Against::Moved { .. }));
    let open = plan.period.is_some_and(|period| period.start.is_none() || period.end.is_none());
    if moved && open { Err(no_base("an open-ended period has none before it")) } else { Ok(()) }
}

/// "versus" must set two things side by side.
fn check_versus(draft: &Draft, plan: &Plan) -> Result<(), Trouble> {
    let values =
        plan.filters.iter().any(|filter| matches!(&filter.test, Test::In(values) if values.len() > 1));
    if !draft.versus || plan.metrics.len() > 1 || values {
        return Ok(());
    }
    Err(no_base("it is not clear what to compare with"))
}

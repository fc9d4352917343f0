//! Build: draft and previous plan become the plan of this question, or the reason why there is none.

use crate::draft::{Choice, Draft, GroupAsk, LooseAsk, SortAsk};
use crate::grain::Grain;
use crate::mark::Rank;
use crate::plan::{Against, Filter, Group, Plan, Ranking, Test};
use crate::reading::{CannotKind, Having, Trouble, quoted};
use crate::resolve::Resolver;
use crate::times;
use crate::vocabulary::{DimensionKind, Vocabulary};

/// What a plan is built with.
pub(crate) struct Builder<'a> {
    pub(crate) vocabulary: &'a Vocabulary,
    pub(crate) entities: &'a [String],
    pub(crate) today: chrono::NaiveDate,
}

impl Builder<'_> {
    /// The plan of a question.
    pub(crate) fn build(&self, draft: &Draft, previous: Option<&Plan>) -> Result<Plan, Trouble> {
        let by_metric_only = draft.by_metric && draft.groups.is_empty() && draft.loose.is_empty();
        let only = draft.follow.only && adds_only(draft);
        let follows = draft.metrics.is_empty() || draft.follow.any() || by_metric_only || only;
        let base = previous.filter(|_| follows);
        let mut plan = base.cloned().unwrap_or_default();
        self.metrics(draft, &mut plan, base.is_some())?;
        let metrics = self.indexes(&plan.metrics);
        let resolver = Resolver::new(self.vocabulary, self.entities, &metrics, &plan);
        let result = self.shape(draft, &mut plan, &resolver, base);
        result.map_err(|mut trouble| {
            if trouble.metrics.is_empty() {
                trouble.metrics = metrics.as_slice().into();
            }
            trouble
        })?;
        Ok(plan)
    }

    fn shape(
        &self,
        draft: &Draft,
        plan: &mut Plan,
        resolver: &Resolver<'_>,
        base: Option<&Plan>,
    ) -> Result<(), Trouble> {
        let follows = base.is_some();
        self.ends(draft, plan, resolver)?;
        self.filters(draft, plan, resolver)?;
        self.groups(draft, plan, resolver, follows)?;
        self.ranking(draft, plan, resolver)?;
        times::apply(draft, plan, self.today, follows)?;
        self.against(draft, plan)?;
        self.order(draft, plan, resolver)?;
        if draft.chart.is_some() {
            plan.chart = draft.chart;
        }
        self.check(plan, resolver)?;
        if draft.is_empty() {
            return Err(Trouble::new(
                CannotKind::Unclear,
                "nothing to change was found in that".to_owned(),
                "say what to change",
            ));
        }
        Ok(())
    }

    fn indexes(&self, names: &[String]) -> Vec<usize> {
        names
            .iter()
            .filter_map(|name| self.vocabulary.metrics.iter().position(|metric| metric.name == *name))
            .collect()
    }

    /// The one metric a phrase means.
    fn metric(&self, choice: &Choice) -> Result<String, Trouble> {
        let name = |at: &usize| self.vocabulary.metrics.get(*at).map(|metric| metric.name.clone());
        match choice.items.as_slice() {
            [one] => name(one).ok_or_else(|| unplaced(std::slice::from_ref(&choice.text))),
            several => {
                let names: Vec<String> = several.iter().filter_map(name).collect();
                let message = format!("“{}” can mean {}", choice.text, names.join(" or "));
                let mut trouble = Trouble::new(CannotKind::Ambiguous, message, "use the name of the metric");
                trouble.choices = names;
                trouble.metrics = several.into();
                Err(trouble)
            }
        }
    }

    fn metrics(&self, draft: &Draft, plan: &mut Plan, follows: bool) -> Result<(), Trouble> {
        let mut asked: Vec<String> = Vec::new();
        for choice in &draft.metrics {
            push_new(&mut asked, self.metric(choice)?);
        }
        let mut having = Vec::new();
        for ask in &draft.having {
            let Some(choice) = &ask.metric else {
                let number = ask.number.clone();
                if follows && plan.metrics.len() == 1 {
                    having.push(Having { metric: plan.metrics[0].clone(), op: ask.op, number });
                    continue;
                }
                return Err(unplaced(&[format!("{} {number}", ask.op.sign())]));
            };
            having.push(Having { metric: self.metric(choice)?, op: ask.op, number: ask.number.clone() });
        }
        let add = draft.follow.also || (draft.follow.leading_and && adds_only(draft));
        if !asked.is_empty() && !add && follows {
            replace_metrics(plan, &asked);
        } else {
            asked.into_iter().for_each(|name| push_new(&mut plan.metrics, name));
        }
        for choice in &draft.removed {
            let name = self.metric(choice)?;
            if !plan.metrics.contains(&name) && !draft.follow.instead {
                return Err(unplaced(std::slice::from_ref(&choice.text)));
            }
            plan.metrics.retain(|metric| *metric != name);
            plan.having.retain(|having| having.metric != name);
        }
        for condition in &having {
            plan.having.retain(|known| known.metric != condition.metric);
            push_new(&mut plan.metrics, condition.metric.clone());
        }
        plan.having.extend(having);
        if plan.metrics.is_empty() { Err(self.no_metric(draft)) } else { Ok(()) }
    }

    fn no_metric(&self, draft: &Draft) -> Trouble {
        let things: Vec<String> = draft.loose.iter().map(|ask| ask.dimensions.text.clone()).collect();
        let message = if things.is_empty() {
            "the question names no metric".to_owned()
        } else {
            format!("no metric is named, and none counts {}", quoted(&things))
        };
        Trouble::new(CannotKind::NoMetric, message, "name one of the metrics offered")
    }

    /// "all channels", "without the split by region": filters and groups that end.
    fn ends(&self, draft: &Draft, plan: &mut Plan, resolver: &Resolver<'_>) -> Result<(), Trouble> {
        if draft.ungroup {
            plan.groups.clear();
            plan.sort.clear();
            (plan.rank, plan.limit, plan.having) = (None, None, Vec::new());
        }
        if draft.unlimited {
            plan.limit = None;
        }
        if draft.drop_time {
            plan.groups.retain(|group| !group.is_time());
        }
        if draft.clear_filters {
            plan.filters.clear();
        }
        for choice in &draft.all_of {
            let item = resolver.item(choice)?;
            let name = &self.vocabulary.dimensions[item].name;
            plan.filters.retain(|filter| filter.dimension != *name);
        }
        for choice in &draft.dropped_groups {
            let names: Vec<&String> =
                choice.items.iter().map(|item| &self.vocabulary.dimensions[*item].name).collect();
            let before = (plan.groups.len(), plan.filters.len());
            plan.groups.retain(|group| !names.contains(&&group.column()));
            if plan.groups.len() == before.0 {
                plan.filters.retain(|filter| !names.contains(&&filter.dimension));
            }
            if (plan.groups.len(), plan.filters.len()) == before {
                return Err(unplaced(std::slice::from_ref(&choice.text)));
            }
        }
        Ok(())
    }

    fn filters(&self, draft: &Draft, plan: &mut Plan, resolver: &Resolver<'_>) -> Result<(), Trouble> {
        let kept = plan.filters.clone();
        let mut fresh: Vec<Filter> = Vec::new();
        for ask in &draft.filters {
            add_filter(&mut fresh, resolver.filter(ask)?);
        }
        for filter in fresh {
            merge_filter(&mut plan.filters, filter, draft.follow.also);
        }
        for filter in &kept {
            let item = self.vocabulary.dimensions.iter().position(|term| term.name == filter.dimension);
            if item.is_none_or(|item| !resolver.reaches(item)) {
                return Err(self.not_kept(&filter.dimension, resolver));
            }
        }
        Ok(())
    }

    fn not_kept(&self, dimension: &str, resolver: &Resolver<'_>) -> Trouble {
        let titles: Vec<String> =
            resolver.metrics.iter().map(|at| self.vocabulary.metrics[*at].title()).collect();
        let message =
            format!("{} does not have {dimension}, which the question before used", titles.join(" and "));
        Trouble::new(CannotKind::NotAvailable, message, "ask again in full, without it")
    }

    fn groups(
        &self,
        draft: &Draft,
        plan: &mut Plan,
        resolver: &Resolver<'_>,
        follows: bool,
    ) -> Result<(), Trouble> {
        for group in &plan.groups {
            if let Group::Dimension { name, .. } = group {
                let item = self.vocabulary.dimensions.iter().position(|term| term.name == *name);
                if item.is_none_or(|item| !resolver.reaches(item)) {
                    return Err(self.not_kept(name, resolver));
                }
            }
        }
        let mut asked: Vec<Group> = Vec::new();
        for ask in &draft.groups {
            let group = match ask {
                GroupAsk::Grain(grain) => Group::Time(*grain),
                GroupAsk::Calendar(at) => Group::Calendar(self.vocabulary.custom_grains[*at].clone()),
                GroupAsk::Dimension(choice, grain) => Group::Dimension {
                    name: self.vocabulary.dimensions[resolver.item(choice)?].name.clone(),
                    grain: *grain,
                },
            };
            push_new(&mut asked, group);
        }
        for ask in &draft.loose {
            if let Some(group) = self.loose(draft, ask, plan, resolver)? {
                push_new(&mut asked, group);
            }
        }
        if draft.trend && !asked.iter().chain(&plan.groups).any(Group::is_time) {
            asked.insert(0, Group::Time(self.calm_grain(plan)));
        }
        self.compared_values(draft, plan, &mut asked);
        let adds = !follows || draft.follow.and_by || draft.follow.also || draft.follow.leading_and;
        merge_groups(&mut plan.groups, asked, adds);
        if plan.groups.iter().filter(|group| group.is_time()).count() > 1 {
            return Err(Trouble::new(
                CannotKind::Unclear,
                "the question asks for two grains of time at once".to_owned(),
                "name one grain, such as month",
            ));
        }
        Ok(())
    }

    /// "compare web and phone": the values set side by side are the rows.
    fn compared_values(&self, draft: &Draft, plan: &Plan, asked: &mut Vec<Group>) {
        if !(draft.compare || draft.versus) || asked.iter().any(|group| !group.is_time()) {
            return;
        }
        for filter in &plan.filters {
            if matches!(&filter.test, Test::In(values) if values.len() > 1) {
                push_new(asked, Group::Dimension { name: filter.dimension.clone(), grain: None });
            }
        }
    }

    /// A thing named without "by": the rows, or only the noun of a filter. Anything else is asked back.
    fn loose(
        &self,
        draft: &Draft,
        ask: &LooseAsk,
        plan: &Plan,
        resolver: &Resolver<'_>,
    ) -> Result<Option<Group>, Trouble> {
        let key_only = ask
            .dimensions
            .items
            .iter()
            .all(|item| self.vocabulary.dimensions[*item].kind == DimensionKind::EntityKey);
        let ranked = ask.ranked || draft.rank.is_some();
        let counted = !draft.having.is_empty();
        let rows = ranked
            || counted
            || (ask.before_metric && !key_only && !ask.beside_filter)
            || draft.compare
            || draft.follow.also;
        if rows && !ask.dimensions.items.is_empty() {
            let item = resolver.item(&ask.dimensions)?;
            return Ok(Some(Group::Dimension {
                name: self.vocabulary.dimensions[item].name.clone(),
                grain: None,
            }));
        }
        let nouns: Vec<&str> =
            ask.nouns.iter().filter_map(|at| self.entities.get(*at)).map(String::as_str).collect();
        let own = resolver.metrics.iter().any(|at| {
            self.vocabulary.metrics[*at].entity.as_deref().is_some_and(|entity| nouns.contains(&entity))
        });
        let filtered = ask.beside_filter
            && plan
                .filters
                .iter()
                .any(|filter| filter.dimension.split("__").any(|step| nouns.contains(&step)));
        if own || filtered {
            return Ok(None);
        }
        let mut trouble = unplaced(std::slice::from_ref(&ask.dimensions.text));
        trouble.hint = format!("for one row each, ask “by {}”", ask.dimensions.text.to_lowercase());
        Err(trouble)
    }

    fn ranking(&self, draft: &Draft, plan: &mut Plan, resolver: &Resolver<'_>) -> Result<(), Trouble> {
        let lead =
            draft.rank_by.as_ref().or(draft.metrics.first()).map(|choice| self.metric(choice)).transpose()?;
        let by = lead.or_else(|| plan.rank.as_ref().map(|ranking| ranking.metric.clone()));
        let by = by.filter(|name| plan.metrics.contains(name)).unwrap_or_else(|| plan.metrics[0].clone());
        if let Some(rank) = draft.rank {
            plan.rank = Some(Ranking { rank, metric: by.clone() });
            plan.sort.clear();
        }
        if let Some(count) = draft.count {
            plan.limit = Some(count);
            if plan.rank.is_none() {
                plan.rank = Some(Ranking { rank: draft.rank.unwrap_or(Rank::Best), metric: by });
            }
        } else if draft.rank.is_some() && draft.single && plan.groups.len() == 1 {
            plan.limit = Some(1);
        }
        let ranked = draft.rank.is_some() || draft.count.is_some();
        if ranked && draft.per && plan.groups.len() > 1 {
            let mut trouble = Trouble::new(
                CannotKind::Unclear,
                "a ranking within each group is not something that can be asked for".to_owned(),
                "ask for one group at a time, or leave the ranking out",
            );
            trouble.metrics = resolver.metrics.into();
            return Err(trouble);
        }
        if (ranked || !plan.having.is_empty()) && plan.groups.is_empty() {
            let mut trouble = Trouble::new(
                CannotKind::Unclear,
                "a ranking or a condition on a figure needs something to list".to_owned(),
                "name what the rows are, for example with “by”",
            );
            trouble.metrics = resolver.metrics.into();
            return Err(trouble);
        }
        Ok(())
    }

    fn against(&self, draft: &Draft, plan: &mut Plan) -> Result<(), Trouble> {
        let other_period =
            matches!(plan.against, Some(Against::Period(_) | Against::Moved { .. })) && draft.versus;
        if other_period && (draft.share || draft.growth.flatten().is_some()) {
            return Err(Trouble::new(
                CannotKind::Unclear,
                "the question asks for two comparisons at once".to_owned(),
                "ask for one of them",
            ));
        }
        if draft.share {
            if plan.groups.is_empty() && plan.filters.is_empty() {
                return Err(Trouble::new(
                    CannotKind::Unclear,
                    "a share needs parts: something to split or filter by".to_owned(),
                    "add what the parts are, for example with “by”",
                ));
            }
            plan.against = Some(Against::Share);
        }
        // "growth 2024 vs 2023" is the comparison of the two periods.
        if let Some(step) = draft.growth.filter(|_| !other_period) {
            let grouped = plan.groups.iter().find_map(|group| match group {
                Group::Time(grain) => Some(*grain),
                _ => None,
            });
            let own = grouped.or(step).unwrap_or_else(|| self.calm_grain(plan));
            if grouped.is_none() {
                plan.groups.insert(0, Group::Time(own));
            }
            let step = step.unwrap_or(own);
            if step < own {
                return Err(Trouble::new(
                    CannotKind::Unclear,
                    format!("rows by {} cannot be compared {} by {}", own.name(), step.name(), step.name()),
                    "use the same grain for both",
                ));
            }
            plan.against = Some(Against::Step(step));
        }
        Ok(())
    }

    /// The grain for "over time" when none is said: months, or what the metrics have if that is coarser.
    fn calm_grain(&self, plan: &Plan) -> Grain {
        let finest = self
            .indexes(&plan.metrics)
            .into_iter()
            .filter_map(|at| self.vocabulary.metrics[at].finest_grain)
            .max();
        finest.unwrap_or(Grain::Day).max(Grain::Month)
    }

    fn order(&self, draft: &Draft, plan: &mut Plan, resolver: &Resolver<'_>) -> Result<(), Trouble> {
        let mut sort = Vec::new();
        for ask in &draft.sort {
            let (column, metric) = match ask {
                SortAsk::Metric(choice) => (self.metric(choice)?, true),
                SortAsk::Dimension(choice) => {
                    (self.vocabulary.dimensions[resolver.item(choice)?].name.clone(), false)
                }
                SortAsk::Grain(grain) => (Group::Time(*grain).column(), false),
            };
            let known =
                plan.metrics.contains(&column) || plan.groups.iter().any(|group| group.column() == column);
            if !known {
                let message = format!("the result has no column {column} to sort by");
                return Err(Trouble::new(
                    CannotKind::Unclear,
                    message,
                    "sort by a metric or a group of the question",
                ));
            }
            let rank = matches!(draft.rank, Some(Rank::Best)) || (metric && draft.rank.is_none());
            sort.push(if draft.descending.unwrap_or(rank) { format!("-{column}") } else { column });
        }
        if sort.is_empty()
            && let Some(descending) = draft.descending
        {
            let current = plan.query(self.vocabulary).order_by;
            let column = current.first().cloned().unwrap_or_else(|| plan.metrics[0].clone());
            let column = column.trim_start_matches('-').to_owned();
            sort.push(if descending { format!("-{column}") } else { column });
        }
        if !sort.is_empty() {
            plan.sort = sort;
        }
        let columns: Vec<String> =
            plan.groups.iter().map(Group::column).chain(plan.metrics.iter().cloned()).collect();
        plan.sort.retain(|column| columns.iter().any(|known| known == column.trim_start_matches('-')));
        Ok(())
    }

    /// What the metrics themselves allow.
    fn check(&self, plan: &mut Plan, resolver: &Resolver<'_>) -> Result<(), Trouble> {
        let timed = plan.period.is_some() || !plan.among.is_empty() || plan.groups.iter().any(Group::is_time);
        for at in resolver.metrics {
            let metric = &self.vocabulary.metrics[*at];
            if timed && !metric.has_time {
                let message = format!("{} has no time axis", metric.title());
                return Err(Trouble::new(CannotKind::NotAvailable, message, "ask without a period"));
            }
            let coarse = metric.finest_grain.and_then(|finest| {
                plan.groups.iter().find_map(|group| match group {
                    Group::Time(grain) if *grain < finest => Some((*grain, finest)),
                    _ => None,
                })
            });
            if let Some((grain, finest)) = coarse {
                let message =
                    format!("{} is only known by {}, not by {}", metric.title(), finest.name(), grain.name());
                return Err(Trouble::new(CannotKind::NotAvailable, message, "ask for a coarser grain"));
            }
            if metric.needs_time && !plan.groups.iter().any(Group::is_time) {
                plan.groups.insert(0, Group::Time(self.calm_grain(plan)));
            }
        }
        Ok(())
    }
}

/// Known words without a place.
pub(crate) fn unplaced(words: &[String]) -> Trouble {
    let message = format!("it is not clear what {} should do in the question", quoted(words));
    Trouble {
        unknown: words.to_vec(),
        ..Trouble::new(CannotKind::Unclear, message, "put it another way, or leave it out")
    }
}

/// "and orders?": nothing but a metric to add.
fn adds_only(draft: &Draft) -> bool {
    draft.groups.is_empty() && draft.loose.is_empty() && draft.filters.is_empty() && draft.periods.is_empty()
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

fn replace_metrics(plan: &mut Plan, asked: &[String]) {
    plan.metrics = asked.to_vec();
    plan.having.retain(|having| asked.contains(&having.metric));
    if let (Some(ranking), Some(first)) = (&mut plan.rank, asked.first())
        && !asked.contains(&ranking.metric)
    {
        ranking.metric.clone_from(first);
    }
}

/// Conditions of one question: values of one dimension are alternatives.
fn add_filter(filters: &mut Vec<Filter>, filter: Filter) {
    for known in filters.iter_mut().filter(|known| known.dimension == filter.dimension) {
        if let (Test::In(have), Test::In(more)) | (Test::NotIn(have), Test::NotIn(more)) =
            (&mut known.test, &filter.test)
        {
            more.iter().for_each(|value| push_new(have, value.clone()));
            return;
        }
    }
    push_new(filters, filter);
}

/// A condition of this question meets those of the session: the same dimension is changed, others are kept.
fn merge_filter(filters: &mut Vec<Filter>, filter: Filter, also: bool) {
    match &filter.test {
        Test::In(_) if also => add_filter(filters, filter),
        Test::NotIn(out) => {
            let mut narrowed = false;
            for known in filters.iter_mut().filter(|known| known.dimension == filter.dimension) {
                if let Test::In(values) = &mut known.test {
                    let before = values.len();
                    values.retain(|value| !out.contains(value));
                    narrowed |= values.len() < before;
                }
            }
            filters.retain(|known| !matches!(&known.test, Test::In(values) if values.is_empty()));
            let listed = filters
                .iter()
                .any(|known| known.dimension == filter.dimension && matches!(known.test, Test::In(_)));
            if !(narrowed && listed) {
                add_filter(filters, filter);
            }
        }
        Test::In(_) | Test::True(_) => {
            filters.retain(|known| known.dimension != filter.dimension);
            filters.push(filter);
        }
    }
}

/// Groups of this question meet those of the session. A grain replaces a grain.
fn merge_groups(groups: &mut Vec<Group>, asked: Vec<Group>, adds: bool) {
    if asked.is_empty() {
        return;
    }
    if groups.is_empty() {
        *groups = asked;
        return;
    }
    let time = asked.iter().any(Group::is_time);
    let other = asked.iter().any(|group| !group.is_time());
    groups.retain(|group| if group.is_time() { !time } else { adds || !other });
    for group in asked {
        if group.is_time() {
            groups.insert(0, group);
        } else {
            push_new(groups, group);
        }
    }
}

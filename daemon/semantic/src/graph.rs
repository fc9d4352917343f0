//! Which items each semantic model reaches, and by which joins.
//!
//! A join always leads to a key, so a row of the fact side never becomes two. That is checked here, once, when the
//! model is read; everything later only looks paths up.

use std::collections::{BTreeMap, HashMap};

use crate::model::{EntityKind, SemanticModel, Validity};

/// Tables are at most this many joins away.
const MAX_HOPS: usize = 2;

/// One join: by which entity to which semantic model.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Hop {
    pub entity: String,
    pub to: usize,
}

/// What a path ends at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    Dimension(usize),
    Entity(usize),
}

/// A way to an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    pub hops: Vec<Hop>,
    /// The semantic model that has the element.
    pub model: usize,
    pub element: Element,
}

/// The items of one semantic model by full name; more than one path under a name is an ambiguity.
pub(crate) type Reach = BTreeMap<String, Vec<Path>>;

/// All items of all semantic models.
#[derive(Debug, Clone, Default)]
pub(crate) struct Graph {
    reach: Vec<Reach>,
    /// Last part of a name to the full names that end so, for suggestions and "does it exist at all".
    names: HashMap<String, Vec<String>>,
}

impl Graph {
    pub(crate) fn new(models: &[SemanticModel]) -> Self {
        let reach: Vec<Reach> = (0..models.len()).map(|start| reach(models, start)).collect();
        let mut names: HashMap<String, Vec<String>> = HashMap::new();
        for full in reach.iter().flat_map(BTreeMap::keys) {
            let last = full.rsplit("__").next().unwrap_or(full).to_owned();
            let list = names.entry(last).or_default();
            if !list.contains(full) {
                list.push(full.clone());
            }
        }
        Self { reach, names }
    }

    pub(crate) fn reach(&self, model: usize) -> Option<&Reach> {
        self.reach.get(model)
    }

    pub(crate) fn path(&self, model: usize, full: &str) -> Option<&Path> {
        self.reach.get(model)?.get(full)?.first()
    }

    /// True when some semantic model reaches an item whose name ends so.
    pub(crate) fn exists(&self, path: &[String], element: &str) -> bool {
        let wanted = path.last().map_or_else(|| element.to_owned(), |entity| format!("{entity}__{element}"));
        self.names.get(element).is_some_and(|names| names.iter().any(|name| ends_with(name, &wanted)))
    }
}

/// True when the parts of `suffix` are the last parts of `name`.
pub(crate) fn ends_with(name: &str, suffix: &str) -> bool {
    name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with("__"))
}

fn reach(models: &[SemanticModel], start: usize) -> Reach {
    let mut reach = Reach::new();
    let Some(model) = models.get(start) else { return reach };
    for (at, entity) in model.entities.iter().enumerate() {
        add(&mut reach, entity.name.clone(), path(&[], start, Element::Entity(at)));
    }
    for link in own_links(model) {
        elements(models, start, &[], &link, None, &mut reach);
    }
    follow(models, start, &mut Vec::new(), &mut reach);
    reach
}

fn path(hops: &[Hop], model: usize, element: Element) -> Path {
    Path { hops: hops.to_vec(), model, element }
}

fn add(reach: &mut Reach, full: String, path: Path) {
    let paths = reach.entry(full).or_default();
    if !paths.contains(&path) {
        paths.push(path);
    }
}

/// The entities under which a semantic model offers its own elements.
fn own_links(model: &SemanticModel) -> Vec<String> {
    let mut links: Vec<String> = model.primary_entity.iter().cloned().collect();
    for entity in &model.entities {
        if entity.kind != EntityKind::Foreign && !links.contains(&entity.name) {
            links.push(entity.name.clone());
        }
    }
    links
}

/// Adds all elements of `at` under a prefix; `by` is the entity that led there.
fn elements(
    models: &[SemanticModel],
    at: usize,
    hops: &[Hop],
    prefix: &str,
    by: Option<&str>,
    reach: &mut Reach,
) {
    let Some(model) = models.get(at) else { return };
    for (position, dimension) in model.dimensions.iter().enumerate() {
        let full = format!("{prefix}__{}", dimension.name);
        add(reach, full, path(hops, at, Element::Dimension(position)));
    }
    for (position, entity) in model.entities.iter().enumerate() {
        let passed = prefix.split("__").any(|link| link == entity.name) || by == Some(entity.name.as_str());
        if !passed {
            let full = format!("{prefix}__{}", entity.name);
            add(reach, full, path(hops, at, Element::Entity(position)));
        }
    }
}

fn follow(models: &[SemanticModel], start: usize, hops: &mut Vec<Hop>, reach: &mut Reach) {
    if hops.len() == MAX_HOPS {
        return;
    }
    let here = hops.last().map_or(start, |hop| hop.to);
    let Some(model) = models.get(here) else { return };
    let windowed =
        std::iter::once(start).chain(hops.iter().map(|hop| hop.to)).any(|at| has_window(models, at));
    for entity in &model.entities {
        if hops.iter().any(|hop| hop.entity == entity.name) {
            continue;
        }
        for (to, target) in models.iter().enumerate() {
            let visited = to == start || hops.iter().any(|hop| hop.to == to);
            let Some(key) = target.entity(&entity.name) else { continue };
            if visited || !may_join(entity.kind, key.kind) || (windowed && has_window(models, to)) {
                continue;
            }
            if key.kind == EntityKind::Natural && !has_window(models, to) {
                continue;
            }
            hops.push(Hop { entity: entity.name.clone(), to });
            let prefix: Vec<&str> = hops.iter().map(|hop| hop.entity.as_str()).collect();
            elements(models, to, hops, &prefix.join("__"), Some(&entity.name), reach);
            follow(models, start, hops, reach);
            hops.pop();
        }
    }
}

/// Only towards a key: the right side has at most one row per value (and instant).
const fn may_join(left: EntityKind, right: EntityKind) -> bool {
    match (left, right) {
        (_, EntityKind::Foreign) | (EntityKind::Natural, EntityKind::Natural) => false,
        (_, EntityKind::Primary | EntityKind::Unique | EntityKind::Natural) => true,
    }
}

fn has_window(models: &[SemanticModel], at: usize) -> bool {
    models.get(at).is_some_and(|model| model.validity(Validity::Start).is_some())
}

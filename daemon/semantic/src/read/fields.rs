//! Reading a mapping key by key, so that nothing in a file is silently ignored.

use std::cell::RefCell;
use std::sync::Arc;

use crate::error::{ModelError, Place};
use crate::expr;
use crate::model::{About, Filter, Reference};
use crate::names;
use crate::yaml::{Key, Node, Value};

/// The file being read, and the faults found so far in all files.
pub(crate) struct Source<'a> {
    pub file: Arc<str>,
    pub errors: &'a RefCell<Vec<ModelError>>,
    /// Custom grains of all files, which filters may name.
    pub custom_grains: &'a [String],
}

impl Source<'_> {
    pub(crate) fn place(&self, node: &Node) -> Place {
        self.at(node.line, node.column)
    }

    pub(crate) fn at(&self, line: u32, column: u32) -> Place {
        Place { file: Arc::clone(&self.file), line, column }
    }

    pub(crate) fn fault(&self, error: ModelError) {
        self.errors.borrow_mut().push(error);
    }

    /// The items of a list; one fault when it is something else. Nothing counts as an empty list.
    pub(crate) fn list<'n>(&self, node: Option<&'n Node>, what: &str) -> &'n [Node] {
        match node.map(|node| (&node.value, node)) {
            None | Some((Value::Null, _)) => &[],
            Some((Value::List(items), _)) => items,
            Some((_, node)) => {
                let message = format!("{what} must be a list, not {}", node.kind());
                self.fault(ModelError::new(&self.place(node), message));
                &[]
            }
        }
    }

    /// A scalar as text.
    pub(crate) fn scalar(&self, node: &Node, what: &str) -> Option<String> {
        match &node.value {
            Value::Text(text) | Value::Number(text) => Some(text.clone()),
            Value::Bool(b) => Some(b.to_string()),
            Value::Null => None,
            _ => {
                let message = format!("{what} must be a text, not {}", node.kind());
                self.fault(ModelError::new(&self.place(node), message));
                None
            }
        }
    }

    /// A filter or a list of filters.
    pub(crate) fn filters(&self, node: Option<&Node>, owner: &str) -> Vec<Filter> {
        let Some(node) = node else { return Vec::new() };
        let texts: Vec<&Node> = match &node.value {
            Value::Null => Vec::new(),
            Value::List(items) => items.iter().collect(),
            _ => vec![node],
        };
        texts.into_iter().filter_map(|node| self.filter(node, owner)).collect()
    }

    fn filter(&self, node: &Node, owner: &str) -> Option<Filter> {
        let text = self.scalar(node, "a filter")?;
        let is_custom = |name: &str| self.custom_grains.iter().any(|grain| grain == name);
        let parsed = expr::parse_filter(&text, &is_custom).and_then(|expr| {
            expr.items().into_iter().try_for_each(crate::items::needs_prefix)?;
            Ok(expr)
        });
        match parsed {
            Ok(expr) => Some(Filter { expr, text }),
            Err(fault) => {
                let message = format!("the filter of `{owner}` cannot be used: {}", fault.message);
                self.fault(ModelError::new(&self.place(node), message).hint(fault.hint));
                None
            }
        }
    }
}

/// One mapping; every key must be asked for, and what was not asked for is an error.
pub(crate) struct Fields<'n, 's> {
    entries: &'n [(Key, Node)],
    pub source: &'s Source<'s>,
    /// Where the mapping stands.
    pub place: Place,
    /// What the mapping describes, for messages: "measure `seats`".
    pub what: String,
    known: RefCell<Vec<&'static str>>,
}

impl<'n, 's> Fields<'n, 's> {
    /// Opens a mapping; a fault and `None` when the node is something else.
    pub(crate) fn open(source: &'s Source<'s>, node: &'n Node, what: &str) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            let message = format!("{what} must be a mapping, not {}", node.kind());
            source.fault(ModelError::new(&source.place(node), message));
            return None;
        };
        let mut fields = Self {
            entries,
            source,
            place: source.place(node),
            what: what.to_owned(),
            known: RefCell::default(),
        };
        if let Some((_, name)) = entries.iter().find(|(key, _)| key.text == "name")
            && let Value::Text(name) = &name.value
        {
            fields.what = format!("{what} `{name}`");
        }
        Some(fields)
    }

    /// The value under the key; a key without a value counts as absent.
    pub(crate) fn get(&self, key: &'static str) -> Option<&'n Node> {
        self.known.borrow_mut().push(key);
        self.entries
            .iter()
            .find(|(known, _)| known.text == key)
            .map(|(_, node)| node)
            .filter(|node| !matches!(node.value, Value::Null))
    }

    pub(crate) fn text(&self, key: &'static str) -> Option<String> {
        let node = self.get(key)?;
        self.source.scalar(node, &format!("`{key}` of {}", self.what))
    }

    /// A name with its place.
    pub(crate) fn reference(&self, key: &'static str) -> Option<Reference> {
        let node = self.get(key)?;
        let name = self.source.scalar(node, &format!("`{key}` of {}", self.what))?;
        Some(Reference { name: name.trim().to_lowercase(), place: self.source.place(node) })
    }

    pub(crate) fn flag(&self, key: &'static str) -> Option<bool> {
        let node = self.get(key)?;
        let truth = node.truth();
        if truth.is_none() {
            self.fault_at(
                node,
                format!("`{key}` of {} must be true or false, not {}", self.what, node.kind()),
            );
        }
        truth
    }

    pub(crate) fn number(&self, key: &'static str) -> Option<f64> {
        let node = self.get(key)?;
        let number = match &node.value {
            Value::Number(n) => n.parse().ok(),
            Value::Text(t) => t.trim().parse().ok(),
            _ => None,
        };
        if number.is_none() {
            self.fault_at(node, format!("`{key}` of {} must be a number, not {}", self.what, node.kind()));
        }
        number
    }

    pub(crate) fn whole(&self, key: &'static str) -> Option<i64> {
        let number = self.number(key)?;
        if number.fract() == 0.0 && number.abs() < 9e15 {
            return Some(number as i64);
        }
        self.fault(key, format!("`{key}` of {} must be a whole number", self.what));
        None
    }

    /// The name of the object: required, by the rules.
    pub(crate) fn name(&self) -> Option<String> {
        let Some(node) = self.get("name") else {
            self.missing("name");
            return None;
        };
        let name = self.source.scalar(node, &format!("the name of {}", self.what))?;
        let name = name.trim().to_owned();
        let lower = name.to_lowercase();
        if let Some(why) = names::fault(&name) {
            let message = format!("`{name}` is no valid name for a {}: {why}", self.kind());
            self.source.fault(ModelError::new(&self.source.place(node), message));
        }
        Some(lower)
    }

    fn kind(&self) -> &str {
        self.what.split(" `").next().unwrap_or(&self.what)
    }

    /// A word out of a list, such as a type.
    pub(crate) fn choice<T: Copy>(&self, key: &'static str, choices: &[(&str, T)]) -> Option<T> {
        let node = self.get(key)?;
        let text = self.source.scalar(node, &format!("`{key}` of {}", self.what))?;
        let lower = text.trim().to_lowercase();
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == lower) {
            return Some(*value);
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let hint = names::did_you_mean(&lower, names.iter().copied())
            .unwrap_or_else(|| format!("use one of {}", names.join(", ")));
        let message = format!("`{text}` is no `{key}` that {} can have", self.what);
        self.source.fault(ModelError::new(&self.source.place(node), message).hint(hint));
        None
    }

    /// SQL of the author; a fault when it is not one closed expression.
    pub(crate) fn sql(&self, key: &'static str) -> Option<String> {
        let node = self.get(key)?;
        let text = self.source.scalar(node, &format!("`{key}` of {}", self.what))?;
        if let Err(fault) = expr::check_raw(&text) {
            let message = format!("`{key}` of {} is no SQL expression: {}", self.what, fault.message);
            self.source.fault(ModelError::new(&self.source.place(node), message).hint(fault.hint));
        }
        Some(text.trim().to_owned())
    }

    pub(crate) fn filters(&self, key: &'static str) -> Vec<Filter> {
        let owner = self.what.split('`').nth(1).unwrap_or(&self.what);
        self.source.filters(self.get(key), owner)
    }

    /// The texts of a list.
    pub(crate) fn texts(&self, key: &'static str) -> Vec<(String, Place)> {
        let what = format!("`{key}` of {}", self.what);
        self.source
            .list(self.get(key), &what)
            .iter()
            .filter_map(|node| Some((self.source.scalar(node, &what)?, self.source.place(node))))
            .collect()
    }

    /// The mappings of a list.
    pub(crate) fn mappings(&self, key: &'static str, what: &str) -> Vec<Fields<'n, 's>> {
        self.source
            .list(self.get(key), &format!("`{key}` of {}", self.what))
            .iter()
            .filter_map(|node| Fields::open(self.source, node, what))
            .collect()
    }

    /// The mapping under the key.
    pub(crate) fn mapping(&self, key: &'static str) -> Option<Fields<'n, 's>> {
        let mut inner = Fields::open(self.source, self.get(key)?, &format!("`{key}`"))?;
        inner.what = self.what.clone();
        Some(inner)
    }

    /// Label, description, synonyms and meta, which every object may have.
    pub(crate) fn about(&self) -> About {
        let mut about = About {
            label: self.text("label"),
            description: self.text("description"),
            synonyms: self.texts("synonyms").into_iter().map(|(text, _)| text).collect(),
            meta: serde_json::Map::new(),
        };
        let under_config = self.get("config").and_then(|config| match &config.value {
            Value::Map(entries) => entries.iter().find(|(key, _)| key.text == "meta").map(|(_, node)| node),
            _ => None,
        });
        for node in under_config.into_iter().chain(self.get("meta")) {
            if let serde_json::Value::Object(meta) = node.to_json() {
                about.meta.extend(meta);
            } else {
                self.fault_at(
                    node,
                    format!("`meta` of {} must be a mapping, not {}", self.what, node.kind()),
                );
            }
        }
        if let Some(serde_json::Value::Array(more)) = about.meta.get("synonyms") {
            let texts = more.iter().filter_map(|value| value.as_str().map(str::to_owned));
            about.synonyms.extend(texts.collect::<Vec<_>>());
        }
        about
    }

    pub(crate) fn missing(&self, key: &str) {
        self.source.fault(ModelError::new(&self.place, format!("{} needs `{key}`", self.what)));
    }

    /// A fault at the value of the key, or at the mapping when the key is absent.
    pub(crate) fn fault(&self, key: &str, message: impl Into<String>) {
        let place = self
            .entries
            .iter()
            .find(|(known, _)| known.text == key)
            .map_or_else(|| self.place.clone(), |(_, node)| self.source.place(node));
        self.source.fault(ModelError::new(&place, message));
    }

    fn fault_at(&self, node: &Node, message: String) {
        self.source.fault(ModelError::new(&self.source.place(node), message));
    }

    /// True when the key is written, with or without a value.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|(known, _)| known.text == key)
    }

    /// Allows keys that mean something to other tools.
    pub(crate) fn allow(&self, keys: &[&'static str]) {
        self.known.borrow_mut().extend_from_slice(keys);
    }

    /// Every key that was not asked for is an error.
    pub(crate) fn done(&self) {
        let known = self.known.borrow();
        for (key, _) in self.entries {
            if known.contains(&key.text.as_str()) {
                continue;
            }
            let place = self.source.at(key.line, key.column);
            let message = format!("unknown key `{}` in {}", key.text, self.what);
            let mut sorted: Vec<&str> = known.clone();
            sorted.sort_unstable();
            sorted.dedup();
            let hint = names::did_you_mean(&key.text, sorted.iter().copied())
                .unwrap_or_else(|| format!("known here: {}", sorted.join(", ")));
            self.source.fault(ModelError::new(&place, message).hint(hint));
        }
    }
}

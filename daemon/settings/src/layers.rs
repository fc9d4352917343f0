//! Layers of settings, merged key by key: flag > environment > project file > user file > default.

use crate::table::{Kind, Setting, TABLE, duration, size};
use crate::{Dirs, Env};
use std::path::Path;
use std::time::Duration;

/// What is wrong with a settings file or a value: where, what, and what is expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct SettingsError {
    /// File with line and column, or the name of a variable or flag.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// The nearest known key.
    pub hint: Option<String>,
}

/// Values from one place, still as text.
#[derive(Debug, Clone, Default)]
pub struct Layer {
    /// Where they come from, as shown to people.
    pub origin: String,
    values: Vec<(&'static Setting, String)>,
}

impl Layer {
    /// Reads a settings file's text.
    ///
    /// # Errors
    /// The first thing wrong, with line and column.
    pub fn parse(origin: &str, text: &str) -> Result<Self, SettingsError> {
        let place = |offset: usize| {
            let before = &text[..offset.min(text.len())];
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
            format!("{origin}:{line}:{column}")
        };
        let document = toml_edit::Document::parse(text).map_err(|e| SettingsError {
            place: place(e.span().map_or(0, |s| s.start)),
            message: e.message().trim().replace('\n', ", "),
            hint: None,
        })?;
        let mut values = Vec::new();
        for (section, item) in document.iter() {
            let start = document.key(section).and_then(toml_edit::Key::span).map_or(0, |s| s.start);
            let Some(table) = item.as_table_like() else {
                return Err(unknown(place(start), section));
            };
            if !TABLE.iter().any(|s| s.key.split('.').next() == Some(section)) {
                return Err(unknown(place(start), section));
            }
            for (key, value) in table.iter() {
                let full = format!("{section}.{key}");
                let at = table.key(key).and_then(toml_edit::Key::span).map_or(start, |s| s.start);
                let Some(setting) = TABLE.iter().find(|s| s.key == full) else {
                    return Err(unknown(place(at), &full));
                };
                values.push((setting, checked(setting, &scalar(value), place(at))?));
            }
        }
        Ok(Self { origin: origin.to_owned(), values })
    }

    /// Reads a settings file; a missing file is an empty layer.
    ///
    /// # Errors
    /// When it cannot be read or is not valid.
    pub fn read(path: &Path) -> Result<Self, SettingsError> {
        let origin = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&origin, &text),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Self { origin, values: Vec::new() }),
            Err(e) => {
                Err(SettingsError { place: origin, message: format!("cannot be read: {e}"), hint: None })
            }
        }
    }

    /// A layer of one value given on the command line.
    ///
    /// # Errors
    /// When the value does not fit the key's type.
    pub fn flag(name: &str, key: &str, value: &str) -> Result<Self, SettingsError> {
        let Some(setting) = TABLE.iter().find(|s| s.key == key) else {
            return Err(unknown(name.to_owned(), key));
        };
        let value = checked(setting, value, name.to_owned())?;
        Ok(Self { origin: name.to_owned(), values: vec![(setting, value)] })
    }
}

fn scalar(item: &toml_edit::Item) -> String {
    match item.as_value() {
        Some(toml_edit::Value::String(s)) => s.value().clone(),
        Some(toml_edit::Value::Integer(i)) => i.value().to_string(),
        Some(toml_edit::Value::Boolean(b)) => b.value().to_string(),
        _ => item.to_string().trim().to_owned(),
    }
}

fn checked(setting: &'static Setting, value: &str, place: String) -> Result<String, SettingsError> {
    setting.kind.check(value).map_err(|expected| SettingsError {
        place,
        message: format!("`{}` is `{value}`, expected {expected}", setting.key),
        hint: None,
    })?;
    Ok(value.to_owned())
}

fn unknown(place: String, key: &str) -> SettingsError {
    let nearest = TABLE.iter().map(|s| (distance(s.key, key), s.key)).min();
    SettingsError {
        place,
        message: format!("unknown key `{key}`"),
        hint: nearest
            .filter(|(d, _)| *d <= 4.max(key.len() / 2))
            .map(|(_, k)| format!("did you mean `{k}`?")),
    }
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let cost = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// A setting with its effective value and where that came from.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// The setting.
    pub setting: &'static Setting,
    /// Effective value, as text.
    pub value: String,
    /// Where it comes from.
    pub origin: String,
    /// What it overrode, nearest first: value and origin.
    pub overrode: Vec<(String, String)>,
}

/// All settings with their effective values.
#[derive(Debug, Clone)]
pub struct Settings(Vec<Resolved>);

impl Settings {
    /// Merges `layers` (strongest first) above the defaults, the environment placed right behind the flags, that is
    /// before the first layer that is a file.
    ///
    /// # Errors
    /// When an environment variable's value does not fit.
    pub fn resolve(layers: Vec<Layer>, env: &Env) -> Result<Self, SettingsError> {
        let mut environment = Layer { origin: "environment".to_owned(), values: Vec::new() };
        for setting in TABLE {
            if let Some(value) = env.get(setting.env) {
                environment.values.push((setting, checked(setting, &value, setting.env.to_owned())?));
            }
        }
        let is_flag = |layer: &Layer| layer.origin.starts_with("--");
        let (flags, files): (Vec<_>, Vec<_>) = layers.into_iter().partition(is_flag);
        let ordered: Vec<Layer> = flags.into_iter().chain([environment]).chain(files).collect();
        Ok(Self(TABLE.iter().map(|setting| pick(setting, &ordered)).collect()))
    }

    /// What client and daemon both start from: the project's file (`.wharf.toml` in `cwd`), then the user's.
    ///
    /// # Errors
    /// When a file or a variable is not valid.
    pub fn load(
        dirs: &Dirs,
        env: &Env,
        cwd: Option<&Path>,
        flags: Vec<Layer>,
    ) -> Result<Self, SettingsError> {
        let mut layers = flags;
        if let Some(cwd) = cwd {
            layers.push(Layer::read(&cwd.join(".wharf.toml"))?);
        }
        layers.push(Layer::read(&dirs.config_file())?);
        Self::resolve(layers, env)
    }

    /// Every setting.
    pub fn all(&self) -> &[Resolved] {
        &self.0
    }

    /// A setting's text. Empty for a key that does not exist.
    pub fn text(&self, key: &str) -> &str {
        self.0.iter().find(|r| r.setting.key == key).map_or("", |r| &r.value)
    }

    /// A setting's text, absent when empty.
    pub fn optional(&self, key: &str) -> Option<&str> {
        Some(self.text(key)).filter(|t| !t.is_empty())
    }

    /// A length of time; `None` when it is 0, which means never.
    pub fn duration(&self, key: &str) -> Option<Duration> {
        duration(self.text(key)).filter(|d| !d.is_zero())
    }

    /// A size in bytes; `None` when it is 0, which means that wharf chooses.
    pub fn size(&self, key: &str) -> Option<u64> {
        size(self.text(key)).filter(|s| *s > 0)
    }

    /// A whole number.
    pub fn count(&self, key: &str) -> u64 {
        self.text(key).parse().unwrap_or(0)
    }
}

fn pick(setting: &'static Setting, layers: &[Layer]) -> Resolved {
    let mut found: Vec<(String, String)> = layers
        .iter()
        .filter_map(|layer| {
            let (_, value) = layer.values.iter().rev().find(|(s, _)| s.key == setting.key)?;
            let origin =
                if layer.origin == "environment" { setting.env.to_owned() } else { layer.origin.clone() };
            Some((value.clone(), origin))
        })
        .collect();
    found.push((setting.default.to_owned(), "default".to_owned()));
    let (value, origin) = found.remove(0);
    debug_assert!(setting.kind.check(&value).is_ok() || setting.kind == Kind::Text);
    Resolved { setting, value, origin, overrode: found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_merge_per_key_and_remember_what_they_overrode() {
        let user = Layer::parse("user.toml", "[output]\nformat = \"csv\"\ncolor = \"never\"\n").unwrap();
        let project = Layer::parse("project.toml", "[output]\nformat = \"json\"\n").unwrap();
        let flag = Layer::flag("--format", "output.format", "tsv").unwrap();
        let env = Env::of([("WHARF_FORMAT", "ndjson")]);
        let settings = Settings::resolve(vec![flag, project, user], &env).unwrap();
        let format = settings.all().iter().find(|r| r.setting.key == "output.format").unwrap();
        assert_eq!((format.value.as_str(), format.origin.as_str()), ("tsv", "--format"));
        let overrode: Vec<&str> = format.overrode.iter().map(|(_, o)| o.as_str()).collect();
        assert_eq!(overrode, ["WHARF_FORMAT", "project.toml", "user.toml", "default"]);
        assert_eq!(settings.text("output.color"), "never");
        assert_eq!(settings.duration("daemon.idle_exit"), Some(Duration::from_secs(1800)));
    }

    #[test]
    fn mistakes_are_placed_and_the_nearest_key_is_offered() {
        let error = Layer::parse("c.toml", "[daemon]\nidle_exti = \"3m\"\n").unwrap_err();
        assert_eq!(error.to_string(), "c.toml:2:1: unknown key `daemon.idle_exti`");
        assert_eq!(error.hint.as_deref(), Some("did you mean `daemon.idle_exit`?"));
        let error = Layer::parse("c.toml", "[daemon]\nidle_exit = \"soon\"\n").unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("c.toml:2:1: `daemon.idle_exit` is `soon`, expected a length of time")
        );
        let error = Layer::parse("c.toml", "[daemon\n").unwrap_err();
        assert!(error.to_string().starts_with("c.toml:1:"), "{error}");
        let error = Settings::resolve(vec![], &Env::of([("WHARF_COLOR", "blue")])).unwrap_err();
        assert!(error.to_string().starts_with("WHARF_COLOR: "), "{error}");
    }
}

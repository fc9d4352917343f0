//! What the guided form has gathered so far.

use super::add::place;
use super::ask;
use super::found::{Candidate, Parts, Secret, source_name};
use super::guided::unknown;
use super::questions::{Question, answer, check_name, free_name, questions, quoted, secret_of};
use crate::cli::SourceAddArgs;
use crate::commands::Context;
use crate::link::Failure;
use std::path::{Path, PathBuf};
use wharf_protocol::{SourceAdd, SourceKind};

/// A source that is about to be added.
pub struct Draft {
    /// Its name.
    pub name: String,
    /// A source of this name is replaced.
    pub replace: bool,
    place: Where,
    secret: Secret,
    /// The secret was typed here.
    typed: bool,
    /// A name to offer.
    suggested: String,
    /// The connection that was found: its id and what it said.
    found: Option<(String, Parts)>,
    /// What was answered beyond what was found.
    answers: Vec<(&'static str, String)>,
}

/// Where a source is.
enum Where {
    Path(String),
    Far(Parts),
}

impl Draft {
    fn new(place: Where, secret: Secret) -> Self {
        Self {
            name: String::new(),
            replace: false,
            place,
            secret,
            typed: false,
            suggested: String::new(),
            found: None,
            answers: Vec::new(),
        }
    }

    /// A connection of another program.
    pub fn of_found(candidate: Candidate) -> Self {
        let Candidate { id, name, parts, secret, .. } = candidate;
        Self { suggested: name, found: Some((id, parts.clone())), ..Self::new(Where::Far(parts), secret) }
    }

    /// A source elsewhere of which nothing is known yet.
    pub fn of_kind(kind: SourceKind, data_api: bool) -> Self {
        Self::new(Where::Far(unknown(kind, data_api)), Secret::None)
    }

    /// Files on this machine.
    pub fn of_files() -> Self {
        Self::new(Where::Path(String::new()), Secret::None)
    }

    /// Asks where it is: of what was found only what it does not say; again, everything, as it is by now.
    ///
    /// # Errors
    /// When the input ends.
    pub async fn ask_place(&mut self, context: &Context, again: bool) -> Result<(), Failure> {
        match &mut self.place {
            Where::Path(path) => {
                let home = context.env.get("HOME").map(PathBuf::from);
                let given = |answer: &str| existing(answer, &context.cwd, home.as_deref());
                *path = ask::line("Folder or file", Some(path.as_str()), given).await?;
                let stem = Path::new(path.as_str()).file_stem().unwrap_or_default().to_string_lossy();
                self.suggested = match source_name(&stem, SourceKind::Duckdb) {
                    name if name == "duckdb" => "files".to_owned(),
                    name => name,
                };
            }
            Where::Far(parts) => {
                let missing = parts.missing();
                let known = self.found.is_some() && !again;
                let is_asked =
                    |q: &Question| if known { missing.contains(&q.part) } else { again || !q.rare };
                for question in questions(parts).into_iter().filter(is_asked) {
                    let said = asked(context, parts, &question).await?;
                    self.answers.retain(|(part, _)| *part != question.part);
                    self.answers.push((question.part, said));
                }
                if self.suggested.is_empty() {
                    self.suggested = suggestion(parts);
                }
                if self.found.is_none() && !self.typed {
                    self.secret = secret_of(parts);
                }
            }
        }
        Ok(())
    }

    /// Asks what it is to be called.
    ///
    /// # Errors
    /// When the input ends.
    pub async fn ask_name(&mut self, given: Option<&str>, taken: &[String]) -> Result<(), Failure> {
        let check = |answer: &str| check_name(answer, taken, self.replace);
        let default = match given {
            Some(given) => match check(given) {
                Ok(name) => {
                    self.name = name;
                    return Ok(());
                }
                Err(why) => {
                    crate::output::warn(&format!("  {given}: {why}"));
                    free_name(&source_name(given, SourceKind::Duckdb), taken)
                }
            },
            None => free_name(&self.suggested, taken),
        };
        self.name = ask::line("Name of the source", Some(&default), check).await?;
        Ok(())
    }

    /// Asks for what opens it, where that is not known; again, also where it was typed before. `given`: by `--secret`.
    ///
    /// # Errors
    /// When the input ends.
    pub async fn ask_secret(&mut self, given: bool, again: bool) -> Result<(), Failure> {
        let (what, needed) = match (&self.secret, &self.place) {
            _ if given => return Ok(()),
            (Secret::Ask(what, needed), _) => (*what, *needed),
            (Secret::None, Where::Path(_)) if again => ("key of an encrypted database", false),
            (Secret::Value(_), Where::Far(_)) if again => ("another secret", false),
            _ => return Ok(()),
        };
        let other = match (needed, again) {
            (true, _) => "",
            (false, true) => ", empty as before",
            (false, false) => ", empty for none",
        };
        let mut letters = what.chars();
        let first = letters.next().map(|c| c.to_ascii_uppercase()).unwrap_or_default();
        let question = format!("{first}{} (not shown{other})", letters.as_str());
        loop {
            match ask::secret(&question).await? {
                Some(secret) => {
                    (self.secret, self.typed) = (Secret::Value(secret), true);
                    return Ok(());
                }
                None if !needed => return Ok(()),
                None => crate::output::warn("  this is needed"),
            }
        }
    }

    /// As the daemon takes it.
    pub fn request(&self, context: &Context, common: &SourceAdd) -> SourceAdd {
        SourceAdd {
            name: self.name.clone(),
            path: match &self.place {
                Where::Path(path) => place(context, Path::new(path)),
                Where::Far(parts) => parts.to_string(),
            },
            key: common.key.clone().or_else(|| self.secret.key()),
            replace: self.replace,
            ..common.clone()
        }
    }

    /// The line that does the same without questions; never with a secret in it.
    pub fn command(&self, args: &SourceAddArgs) -> String {
        let mut words = vec!["wharf".to_owned(), "source".into(), "add".into(), self.name.clone()];
        match (&self.place, &self.found) {
            (Where::Path(path), _) => words.push(path.clone()),
            (Where::Far(_), Some((id, before))) => {
                words.extend(["--found".to_owned(), id.clone()]);
                let new = |(part, said): &&(&str, String)| before.get(part).unwrap_or_default() != *said;
                for (part, value) in self.answers.iter().filter(new) {
                    let pair = match value.strip_prefix("cluster=") {
                        Some(name) if *part == "workgroup" => format!("cluster={name}"),
                        _ => format!("{part}={value}"),
                    };
                    words.extend(["--set".to_owned(), pair]);
                }
            }
            (Where::Far(parts), None) => words.push(parts.to_string()),
        }
        let flag = |path: &Option<PathBuf>| path.as_ref().map(|p| p.display().to_string());
        let secret = args.secret.clone().or_else(|| self.typed.then(|| "ask".to_owned()));
        for (name, value) in
            [("--models", flag(&args.models)), ("--types", flag(&args.types)), ("--secret", secret)]
        {
            words.extend(value.into_iter().flat_map(|value| [name.to_owned(), value]));
        }
        if self.replace {
            words.push("--replace".to_owned());
        }
        words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }
}

/// Asks one question until its answer fits, and takes it.
async fn asked(context: &Context, parts: &mut Parts, question: &Question) -> Result<String, Failure> {
    let known = match (question.part, parts.options.get("cluster")) {
        ("workgroup", Some(name)) => Some(format!("cluster={name}")),
        (part, _) => parts.get(part),
    };
    let own =
        (question.part == "user" && parts.kind == SourceKind::Postgres).then(|| context.env.get("USER"));
    let default = known.or(own.flatten()).unwrap_or_else(|| question.default.to_owned());
    let (new, said) = ask::line(question.text, Some(&default), |text| {
        let mut new = parts.clone();
        answer(&mut new, question, text)?;
        Ok((new, if text == "-" { String::new() } else { text.to_owned() }))
    })
    .await?;
    *parts = new;
    Ok(said)
}

/// A name for a source elsewhere: its database, or what it is.
fn suggestion(parts: &Parts) -> String {
    let catalog = source_name(&parts.catalog, parts.kind);
    if parts.catalog == "main" || parts.catalog == "dev" { parts.kind.name().to_owned() } else { catalog }
}

/// The path as it was said, where there is something.
fn existing(answer: &str, cwd: &Path, home: Option<&Path>) -> Result<String, String> {
    if answer.is_empty() {
        return Err("this is needed".to_owned());
    }
    let path = match (answer.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(answer),
    };
    match cwd.join(&path).exists() {
        true => Ok(path.to_string_lossy().into_owned()),
        false => Err(format!("{} does not exist", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[test]
    fn the_line_says_what_is_new_and_no_secret() {
        let mut parts = unknown(SourceKind::Redshift, true);
        parts.set("profile", "a b").unwrap();
        let candidate = Candidate {
            id: "aws:a b".to_owned(),
            name: "dwh".to_owned(),
            parts,
            origin: String::new(),
            secret: Secret::None,
            unusable: None,
            remarks: Vec::new(),
        };
        let mut draft = Draft { name: "dwh".to_owned(), ..Draft::of_found(candidate) };
        let answered =
            [("profile", "a b"), ("region", ""), ("workgroup", "cluster=c1"), ("database", "it's")];
        draft.answers = answered.map(|(part, said)| (part, said.to_owned())).into();
        draft.secret = Secret::Value("planted".to_owned().into());
        draft.typed = true;
        #[derive(Parser)]
        struct Line {
            #[command(flatten)]
            args: SourceAddArgs,
        }
        let args = Line::parse_from(["x", "--models", "m"]).args;
        assert_eq!(
            draft.command(&args),
            r"wharf source add dwh --found 'aws:a b' --set cluster=c1 --set 'database=it'\''s' --models m --secret ask"
        );
    }
}

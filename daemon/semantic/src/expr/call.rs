//! References to items: plain names and the object syntax.

use super::lex::{Token, tokens};
use super::{Fault, ItemKind, ItemRef};
use crate::grain::{DatePart, Grain};
use crate::names;

const FUNCTIONS: [&str; 4] = ["Dimension", "TimeDimension", "Entity", "Metric"];

/// Reads `order__status`, `metric_time__month` or `Dimension('order__status')`.
///
/// `is_custom` tells whether a name is a grain of the user's own calendar.
pub(crate) fn parse_item(text: &str, is_custom: &dyn Fn(&str) -> bool) -> Result<ItemRef, Fault> {
    let text = text.trim();
    if text.contains('(') {
        return object(text, is_custom);
    }
    let lower = text.to_lowercase();
    if !lower.chars().all(|c| c.is_alphanumeric() || c == '_') || lower.is_empty() {
        return Err(Fault::new(format!("`{text}` is no name")));
    }
    Ok(from_name(&lower, ItemKind::Any, text, is_custom))
}

/// Splits a dunder name into path, element, grain and part.
fn from_name(name: &str, kind: ItemKind, text: &str, is_custom: &dyn Fn(&str) -> bool) -> ItemRef {
    let mut parts: Vec<String> = name.split("__").map(str::to_owned).collect();
    let mut item = ItemRef {
        kind,
        path: Vec::new(),
        element: String::new(),
        grain: None,
        part: None,
        group_by: Vec::new(),
        descending: false,
        text: text.to_owned(),
    };
    if parts.len() > 1
        && let Some(last) = parts.last().cloned()
    {
        let part = last.strip_prefix("extract_").and_then(DatePart::parse);
        if part.is_some() {
            item.part = part;
            parts.pop();
        } else if Grain::parse(&last).is_some() || is_custom(&last) {
            item.grain = Some(last);
            parts.pop();
        }
    }
    item.element = parts.pop().unwrap_or_default();
    item.path = parts;
    item
}

/// An argument of a call.
#[derive(Debug, Clone)]
enum Argument {
    Text(String),
    List(Vec<String>),
    Nothing,
    Bool(bool),
}

type Arguments = Vec<(Option<String>, Argument)>;

struct Reader {
    tokens: Vec<Token>,
    at: usize,
    text: String,
}

impl Reader {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn eat(&mut self, symbol: &'static str) -> bool {
        let found = self.tokens.get(self.at) == Some(&Token::Symbol(symbol));
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &'static str) -> Result<(), Fault> {
        if self.eat(symbol) {
            return Ok(());
        }
        let found =
            self.tokens.get(self.at).map_or_else(|| "the end".to_owned(), |t| format!("`{}`", t.shown()));
        Err(Fault::new(format!("`{}`: expected `{symbol}`, found {found}", self.text)))
    }

    fn word(&mut self) -> Result<String, Fault> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            other => Err(self.unexpected(other.as_ref())),
        }
    }

    fn unexpected(&self, token: Option<&Token>) -> Fault {
        let found = token.map_or_else(|| "the end".to_owned(), |t| format!("`{}`", t.shown()));
        Fault::new(format!("`{}` cannot be read: unexpected {found}", self.text))
    }

    fn arguments(&mut self) -> Result<Arguments, Fault> {
        self.expect("(")?;
        let mut out = Vec::new();
        while !self.eat(")") {
            if !out.is_empty() {
                self.expect(",")?;
                if self.eat(")") {
                    break;
                }
            }
            let keyword = match (self.tokens.get(self.at), self.tokens.get(self.at + 1)) {
                (Some(Token::Word(word)), Some(Token::Symbol("="))) => {
                    let word = word.clone();
                    self.at += 2;
                    Some(word)
                }
                _ => None,
            };
            out.push((keyword, self.argument()?));
        }
        Ok(out)
    }

    fn argument(&mut self) -> Result<Argument, Fault> {
        match self.next() {
            Some(Token::Text(text) | Token::Quoted(text)) => Ok(Argument::Text(text)),
            Some(Token::Word(word)) if word == "None" => Ok(Argument::Nothing),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("true") => Ok(Argument::Bool(true)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("false") => Ok(Argument::Bool(false)),
            Some(Token::Symbol("[")) => {
                let mut list = Vec::new();
                while !self.eat("]") {
                    if !list.is_empty() {
                        self.expect(",")?;
                    }
                    match self.next() {
                        Some(Token::Text(text) | Token::Quoted(text)) => list.push(text),
                        other => return Err(self.unexpected(other.as_ref())),
                    }
                }
                Ok(Argument::List(list))
            }
            other => Err(self.unexpected(other.as_ref())),
        }
    }
}

/// Reads `Dimension('a__b', entity_path=['c']).grain('month')`.
fn object(text: &str, is_custom: &dyn Fn(&str) -> bool) -> Result<ItemRef, Fault> {
    let mut reader = Reader {
        tokens: tokens(text)?.into_iter().map(|(_, token)| token).collect(),
        at: 0,
        text: text.to_owned(),
    };
    let function = reader.word()?;
    let kind = match function.as_str() {
        "Dimension" => ItemKind::Dimension,
        "TimeDimension" => ItemKind::TimeDimension,
        "Entity" => ItemKind::Entity,
        "Metric" => ItemKind::Metric,
        other => {
            let near = names::nearest(other, FUNCTIONS, 1);
            let fault = Fault::new(format!("`{other}` is no template function"));
            return Err(match near.first() {
                Some(name) => {
                    Fault { suggestions: near.clone(), ..fault.hint(format!("did you mean `{name}`?")) }
                }
                None => fault.hint(format!("there are {}", FUNCTIONS.join(", "))),
            });
        }
    };
    let arguments = reader.arguments()?;
    let mut item = with_arguments(kind, &function, arguments, text, is_custom)?;
    while reader.eat(".") {
        let method = reader.word()?;
        let arguments = reader.arguments()?;
        apply_method(&mut item, &method, &arguments, is_custom)?;
    }
    match reader.next() {
        None => Ok(item),
        other => Err(reader.unexpected(other.as_ref())),
    }
}

fn with_arguments(
    kind: ItemKind,
    function: &str,
    arguments: Arguments,
    text: &str,
    is_custom: &dyn Fn(&str) -> bool,
) -> Result<ItemRef, Fault> {
    let positions: &[&str] = match kind {
        ItemKind::TimeDimension => &["name", "time_granularity_name", "entity_path", "date_part_name"],
        ItemKind::Metric => &["name", "group_by"],
        _ => &["name", "entity_path"],
    };
    let mut item: Option<ItemRef> = None;
    let mut path: Vec<String> = Vec::new();
    let mut rest = Vec::new();
    for (position, (keyword, argument)) in arguments.into_iter().enumerate() {
        let name = keyword.or_else(|| positions.get(position).map(|&p| p.to_owned())).unwrap_or_default();
        match (name.as_str(), argument) {
            (
                "name" | "dimension_name" | "time_dimension_name" | "entity_name" | "metric_name",
                Argument::Text(name),
            ) => {
                item = Some(from_name(&name.to_lowercase(), kind, text, is_custom));
            }
            ("entity_path", Argument::List(list)) => path = list.iter().map(|e| e.to_lowercase()).collect(),
            (_, argument) if positions.contains(&name.as_str()) => rest.push((name, argument)),
            _ => {
                return Err(Fault::new(format!(
                    "`{function}` has no argument `{name}` of that form in `{text}`"
                )));
            }
        }
    }
    let mut item =
        item.ok_or_else(|| Fault::new(format!("`{function}` needs a name in quotes, in `{text}`")))?;
    if item.element.is_empty() || item.path.iter().any(String::is_empty) {
        return Err(Fault::new(format!("`{text}` has an empty name")));
    }
    path.append(&mut item.path);
    item.path = path;
    for (name, argument) in rest {
        apply_argument(&mut item, &name, argument, is_custom)?;
    }
    Ok(item)
}

fn apply_argument(
    item: &mut ItemRef,
    name: &str,
    argument: Argument,
    is_custom: &dyn Fn(&str) -> bool,
) -> Result<(), Fault> {
    match (name, argument) {
        ("time_granularity_name", Argument::Text(grain)) => set_grain(item, &grain, is_custom),
        ("date_part_name", Argument::Text(part)) => set_part(item, &part),
        ("group_by", Argument::List(list)) => {
            item.group_by = list.into_iter().map(|name| name.to_lowercase()).collect();
            Ok(())
        }
        (_, Argument::Nothing) => Ok(()),
        (name, _) => Err(Fault::new(format!("the argument `{name}` in `{}` has the wrong form", item.text))),
    }
}

fn apply_method(
    item: &mut ItemRef,
    method: &str,
    arguments: &Arguments,
    is_custom: &dyn Fn(&str) -> bool,
) -> Result<(), Fault> {
    match (method, arguments.as_slice()) {
        ("grain", [(_, Argument::Text(grain))]) => set_grain(item, grain, is_custom),
        ("date_part", [(_, Argument::Text(part))]) => set_part(item, part),
        ("descending", [(_, Argument::Bool(down))]) => {
            item.descending = *down;
            Ok(())
        }
        ("grain" | "date_part" | "descending", _) => {
            Err(Fault::new(format!("`.{method}` in `{}` needs one value", item.text)))
        }
        _ => Err(Fault::new(format!("`.{method}` in `{}` is unknown", item.text))
            .hint("there are `.grain('month')` and `.date_part('dow')`")),
    }
}

fn set_grain(item: &mut ItemRef, grain: &str, is_custom: &dyn Fn(&str) -> bool) -> Result<(), Fault> {
    let grain = grain.to_lowercase();
    if Grain::parse(&grain).is_none() && !is_custom(&grain) {
        let known = Grain::ALL.map(Grain::name);
        let fault = Fault::new(format!("`{grain}` in `{}` is no time grain", item.text));
        return Err(match names::did_you_mean(&grain, known) {
            Some(hint) => fault.hint(hint),
            None => fault.hint(format!("there are {}", known.join(", "))),
        });
    }
    item.grain = Some(grain);
    Ok(())
}

fn set_part(item: &mut ItemRef, part: &str) -> Result<(), Fault> {
    let part = part.to_lowercase();
    item.part = Some(DatePart::parse(&part).ok_or_else(|| {
        Fault::new(format!("`{part}` in `{}` is no date part", item.text))
            .hint(format!("there are {}", DatePart::ALL.map(DatePart::name).join(", ")))
    })?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ItemRef, Fault> {
        parse_item(text, &|name| name == "fiscal_quarter")
    }

    #[test]
    fn plain_names_and_objects_say_the_same() {
        let plain = read("metric_time__month").expect("valid");
        let object = read("TimeDimension('metric_time', 'month')").expect("valid");
        let chained = read("Dimension('metric_time').grain('month')").expect("valid");
        for item in [&plain, &object, &chained] {
            assert_eq!((item.full().as_str(), item.grain.as_deref()), ("metric_time", Some("month")));
        }
        let path = read("Dimension('customer__segment', entity_path=['order'])").expect("valid");
        assert_eq!(path.full(), "order__customer__segment");
        assert_eq!(
            read("metric_time__fiscal_quarter").expect("valid").grain.as_deref(),
            Some("fiscal_quarter")
        );
        let metric = read("Metric('orders', group_by=['customer'])").expect("valid");
        assert_eq!(metric.group_by, ["customer"]);
        let part = read("TimeDimension('metric_time', date_part_name='dow')").expect("valid");
        assert_eq!(part.part, Some(DatePart::Dow));
    }

    #[test]
    fn a_wrong_reference_is_refused_with_a_reason() {
        assert_eq!(read("Dimenson('a__b')").expect_err("misspelt").suggestions, ["Dimension"]);
        for bad in [
            "Dimension(a__b)",
            "Dimension('a__b'",
            "Dimension('a__b') or 1",
            "Dimension('a__b').grain('decade')",
            "Dimension('a__b').week()",
            "Dimension()",
            "Dimension('')",
            "a' or '1'='1",
            "",
        ] {
            assert!(read(bad).is_err(), "{bad} must be refused");
        }
    }
}

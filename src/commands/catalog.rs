//! `wharf catalog`: what there is to be read, from the sources down to the columns.

use super::Context;
use super::result::list;
use super::source::encoded;
use crate::cli::{CatalogAction, CatalogArgs, OutputArgs};
use crate::link::{Client, Failure};
use serde_json::json;
use std::process::ExitCode;
use wharf_protocol::{Catalog, ColumnKind, MetadataColumn, MetadataTable, Schema};

/// Runs the command.
///
/// # Errors
/// When there is no such source, schema or table.
pub async fn run(context: &Context, args: CatalogArgs) -> Result<ExitCode, Failure> {
    let client = context.client().await?;
    if let Some(CatalogAction::Search { text, output }) = &args.action {
        return search(context, &client, text, output).await;
    }
    let parts = match (&args.name, &context.global.source) {
        (Some(name), source) => {
            let parts = parts(name)?;
            // With --source the rest of the name is enough.
            let rest = source.iter().filter(|s| parts.first() != Some(*s)).cloned();
            rest.chain(parts.iter().cloned()).collect()
        }
        (None, source) => source.iter().cloned().collect::<Vec<_>>(),
    };
    let browse = Browse { context, client: &client, output: &args.output, refresh: args.refresh };
    match &parts[..] {
        [] => browse.catalogs().await,
        [catalog] => browse.schemas(catalog).await,
        [catalog, second] => match browse.tables(catalog, second).await {
            // Where there is one schema, people leave it away.
            Err(error) if error.error.code == "schema_not_found" => {
                let of_table = browse.columns(&[("catalog", catalog), ("table", second)]).await;
                of_table.map_err(|_| error)
            }
            done => done,
        },
        [catalog, schema, table] => {
            browse.columns(&[("catalog", catalog), ("schema", schema), ("table", table)]).await
        }
        _ => Err(Failure::usage(format!("`{}` has more than three parts", args.name.unwrap_or_default()))
            .hint("say SOURCE.SCHEMA.TABLE; a part with a dot in it stands in double quotes")),
    }
}

struct Browse<'a> {
    context: &'a Context,
    client: &'a Client,
    output: &'a OutputArgs,
    refresh: bool,
}

impl Browse<'_> {
    fn path(&self, what: &str, narrowed: &[(&str, &str)]) -> String {
        let refresh = if self.refresh { "true" } else { "false" };
        let rest = narrowed.iter().map(|(name, value)| format!("&{name}={}", encoded(value)));
        format!("/api/metadata/{what}?refresh={refresh}{}", rest.collect::<String>())
    }

    async fn catalogs(&self) -> Result<ExitCode, Failure> {
        let all: Vec<Catalog> = self.client.list(&self.path("catalogs", &[])).await?;
        let columns = [
            ("source", ColumnKind::Text),
            ("kind", ColumnKind::Text),
            ("tables", ColumnKind::Number),
            ("known for", ColumnKind::Text),
        ];
        let row = |c: &Catalog| {
            let known =
                c.age_seconds.map(|s| if s < 120 { format!("{s} s") } else { format!("{} min", s / 60) });
            vec![Some(c.name.clone()), Some(c.kind.clone()), c.tables.map(|n| n.to_string()), known]
        };
        list(self.context, self.output, &columns, all.iter().map(row).collect(), &all)
    }

    async fn schemas(&self, catalog: &str) -> Result<ExitCode, Failure> {
        let all: Vec<Schema> = self.client.list(&self.path("schemas", &[("catalog", catalog)])).await?;
        let columns =
            [("source", ColumnKind::Text), ("schema", ColumnKind::Text), ("tables", ColumnKind::Number)];
        let row =
            |s: &Schema| vec![Some(s.catalog.clone()), Some(s.name.clone()), Some(s.tables.to_string())];
        list(self.context, self.output, &columns, all.iter().map(row).collect(), &all)
    }

    async fn tables(&self, catalog: &str, schema: &str) -> Result<ExitCode, Failure> {
        let path = self.path("tables", &[("catalog", catalog), ("schema", schema)]);
        let all: Vec<MetadataTable> = self.client.list(&path).await?;
        let columns = [
            ("table", ColumnKind::Text),
            ("type", ColumnKind::Text),
            ("columns", ColumnKind::Number),
            ("rows", ColumnKind::Number),
            ("comment", ColumnKind::Text),
        ];
        let row = |t: &MetadataTable| {
            vec![
                Some(t.name.clone()),
                Some(t.table_type.to_lowercase()),
                Some(t.columns.to_string()),
                t.row_count.map(|n| n.to_string()),
                t.comment.clone(),
            ]
        };
        list(self.context, self.output, &columns, all.iter().map(row).collect(), &all)
    }

    async fn columns(&self, narrowed: &[(&str, &str)]) -> Result<ExitCode, Failure> {
        let all: Vec<MetadataColumn> = self.client.list(&self.path("columns", narrowed)).await?;
        let columns = [
            ("column", ColumnKind::Text),
            ("type", ColumnKind::Text),
            ("null", ColumnKind::Text),
            ("comment", ColumnKind::Text),
        ];
        let row = |c: &MetadataColumn| {
            let null = if c.nullable { "yes" } else { "no" };
            vec![Some(c.name.clone()), Some(c.data_type.clone()), Some(null.to_owned()), c.comment.clone()]
        };
        list(self.context, self.output, &columns, all.iter().map(row).collect(), &all)
    }
}

async fn search(
    context: &Context,
    client: &Client,
    text: &str,
    output: &OutputArgs,
) -> Result<ExitCode, Failure> {
    let of = context.global.source.as_ref().map(|s| format!("&catalog={}", encoded(s))).unwrap_or_default();
    let path = |what: &str| format!("/api/metadata/{what}?search={}{of}", encoded(text));
    let tables: Vec<MetadataTable> = client.list(&path("tables")).await?;
    let found: Vec<MetadataColumn> = client.list(&path("columns")).await?;
    let columns = [
        ("kind", ColumnKind::Text),
        ("name", ColumnKind::Text),
        ("type", ColumnKind::Text),
        ("comment", ColumnKind::Text),
    ];
    let of_table = tables.iter().map(|t| {
        let name = joined(&[&t.catalog, &t.schema, &t.name]);
        vec![Some("table".to_owned()), Some(name), Some(t.table_type.to_lowercase()), t.comment.clone()]
    });
    let of_column = found.iter().map(|c| {
        let name = joined(&[&c.catalog, &c.schema, &c.table, &c.name]);
        vec![Some("column".to_owned()), Some(name), Some(c.data_type.clone()), c.comment.clone()]
    });
    let rows = of_table.chain(of_column).collect();
    list(context, output, &columns, rows, &json!({"tables": tables, "columns": found}))
}

/// The parts of a name with dots between; a part in double quotes may have dots itself.
fn parts(name: &str) -> Result<Vec<String>, Failure> {
    let bad = |why: &str| {
        Failure::usage(format!("`{name}` is no name: {why}"))
            .hint("say SOURCE.SCHEMA.TABLE; a part with a dot in it stands in double quotes")
    };
    let (mut found, mut rest) = (Vec::new(), name);
    loop {
        let part = if let Some(quoted) = rest.strip_prefix('"') {
            let mut part = String::new();
            let mut left = quoted;
            loop {
                let (before, behind) = left.split_once('"').ok_or_else(|| bad("a quote is not closed"))?;
                part.push_str(before);
                // A quote that stands twice is one of the name.
                match behind.strip_prefix('"') {
                    Some(more) => (left, _) = (more, part.push('"')),
                    None => {
                        rest = behind;
                        break;
                    }
                }
            }
            part
        } else {
            let (part, _) = rest.split_once('.').unwrap_or((rest, ""));
            rest = &rest[part.len()..];
            part.to_owned()
        };
        if part.is_empty() {
            return Err(bad("a part is empty"));
        }
        found.push(part);
        rest = match (rest.is_empty(), rest.strip_prefix('.')) {
            (true, _) => return Ok(found),
            (_, Some(more)) => more,
            (_, None) => return Err(bad("behind a quote stands a dot or nothing")),
        };
    }
}

/// A name that [`parts`] reads as these.
fn joined(parts: &[&str]) -> String {
    let written = |part: &&str| match part.contains(['.', '"']) {
        true => format!("\"{}\"", part.replace('"', "\"\"")),
        false => (*part).to_owned(),
    };
    parts.iter().map(written).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for all in [&["shop"][..], &["a", "b c", "größe"], &["a.b", "c\"d", "\"", "."]] {
            assert_eq!(parts(&joined(all)).ok().unwrap(), all);
        }
        for bad in ["", "a.", ".a", "a..b", "\"a", "\"a\"b", "a.\"\""] {
            assert!(parts(bad).is_err(), "{bad}");
        }
    }
}

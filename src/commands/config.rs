//! `wharf config`: settings, where they come from, and whether they are right.

use super::Context;
use super::result::{cannot_write, out, out_json};
use crate::cli::ConfigAction;
use crate::link::Failure;
use crate::output::{Grid, Look, note};
use serde_json::json;
use std::process::ExitCode;
use wharf_protocol::{ApiError, Column, ColumnKind, ErrorKind};
use wharf_settings::{Dirs, Layer, Use, init_text, schema, write_whole};

/// Runs the command.
///
/// # Errors
/// When a file is wrong, or cannot be written.
pub fn run(context: &Context, action: &ConfigAction) -> Result<ExitCode, Failure> {
    match *action {
        ConfigAction::Show { json } => show(context, json),
        ConfigAction::Validate => {
            // Loading has checked the files already; this names them.
            for path in [context.cwd.join(".wharf.toml"), context.dirs.config_file()] {
                Layer::read(&path).map_err(|e| Failure::usage(e.to_string()))?;
                let state = if path.exists() { "is valid" } else { "does not exist" };
                note(&context.terminal, &format!("{} {state}", path.display()));
            }
            Ok(ExitCode::SUCCESS)
        }
        ConfigAction::Schema => {
            out_json(&schema());
            Ok(ExitCode::SUCCESS)
        }
        ConfigAction::Init { force } => {
            let path = context.dirs.config_file();
            if path.exists() && !force {
                let error = ApiError::new(
                    ErrorKind::Conflict,
                    "config_exists",
                    format!("{} exists already", path.display()),
                );
                return Err(Failure::from(error).hint("add --force to overwrite it"));
            }
            Dirs::ensure(&context.dirs.config).map_err(|e| Failure::usage(e.to_string()))?;
            write_whole(&path, init_text(), Use::Asked).map_err(|e| cannot_write(&path, &e))?;
            note(&context.terminal, &format!("wrote {}", path.display()));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn show(context: &Context, as_json: bool) -> Result<ExitCode, Failure> {
    let all = context.settings.all();
    if as_json {
        let items: Vec<_> = all
            .iter()
            .map(|r| {
                let overrode: Vec<_> = r.overrode.iter().map(|(v, o)| json!({"value": v, "origin": o})).collect();
                json!({"key": r.setting.key, "value": r.value, "origin": r.origin, "overrode": overrode, "env": r.setting.env, "doc": r.setting.doc})
            })
            .collect();
        let dirs = &context.dirs;
        out_json(&json!({
            "settings": items,
            "folders": {"config": dirs.config, "data": dirs.data, "state": dirs.state, "cache": dirs.cache, "runtime": dirs.runtime},
        }));
        return Ok(ExitCode::SUCCESS);
    }
    let column = |name: &str| Column { name: name.to_owned(), r#type: String::new(), kind: ColumnKind::Text };
    let rows = all
        .iter()
        .map(|r| vec![Some(r.setting.key.to_owned()), Some(r.value.clone()), Some(r.origin.clone())])
        .collect();
    let grid = Grid {
        columns: vec![column("key"), column("value"), column("from")],
        rows,
        bare: false,
        null: String::new(),
        group: false,
    };
    super::result::show(context, &grid, Look::Plain, None)?;
    let dirs = &context.dirs;
    let folders = [
        ("config", &dirs.config),
        ("data", &dirs.data),
        ("state", &dirs.state),
        ("cache", &dirs.cache),
        ("runtime", &dirs.runtime),
    ];
    let lines: String =
        folders.iter().map(|(name, path)| format!("{name:<9} {}\n", path.display())).collect();
    out(&format!("\nfolders\n{lines}"));
    Ok(ExitCode::SUCCESS)
}

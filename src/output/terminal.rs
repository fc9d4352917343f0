//! What the streams are: terminal or not, how wide, with colour or without. Decided once.

use crate::cli::{ColorWhen, Global};
use std::io::IsTerminal;
use wharf_settings::{Env, Settings};

/// The streams of this process.
#[derive(Debug, Clone)]
pub struct Terminal {
    /// Standard output is a terminal.
    pub out: bool,
    /// Standard error is a terminal.
    pub err: bool,
    /// Standard input is a terminal.
    pub input: bool,
    /// Colour on standard output.
    pub color_out: bool,
    /// Colour on standard error.
    pub color_err: bool,
    /// Columns, where standard output is a terminal.
    pub width: Option<usize>,
    /// Lines, where standard output is a terminal.
    pub height: Option<usize>,
    /// Say less.
    pub quiet: bool,
    /// Say more.
    pub verbose: bool,
    /// Never ask.
    pub no_input: bool,
    /// Never page.
    pub no_pager: bool,
    /// The pager's command line.
    pub pager: String,
    /// Characters beyond ASCII can be shown.
    pub unicode: bool,
}

impl Terminal {
    /// Looks at the streams. Colour: `--color`, then `NO_COLOR`, then `FORCE_COLOR` and `CLICOLOR_FORCE`, then the
    /// setting, then whether it is a terminal that is not dumb; each stream by itself.
    pub fn look(global: &Global, settings: &Settings, env: &Env) -> Self {
        let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
        let dumb = env.get("TERM").is_some_and(|t| t == "dumb");
        let forced = match (global.color, settings.text("output.color")) {
            (Some(ColorWhen::Always), _) => Some(true),
            (Some(ColorWhen::Never), _) => Some(false),
            _ if env.get("NO_COLOR").is_some() => Some(false),
            _ if env.get("FORCE_COLOR").is_some() || env.get("CLICOLOR_FORCE").is_some() => Some(true),
            (_, "always") => Some(true),
            (_, "never") => Some(false),
            _ => None,
        };
        let color = |terminal: bool| forced.unwrap_or(terminal && !dumb);
        let size = if out { rustix::termios::tcgetwinsize(std::io::stdout()).ok() } else { None };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| env.get(name)).unwrap_or_default();
        let pager = settings.optional("output.pager").map(str::to_owned).or_else(|| env.get("PAGER"));
        Self {
            out,
            err,
            input: std::io::stdin().is_terminal(),
            color_out: color(out),
            color_err: color(err),
            width: size.map(|s| usize::from(s.ws_col)).filter(|w| *w > 0),
            height: size.map(|s| usize::from(s.ws_row)).filter(|h| *h > 0),
            quiet: global.quiet,
            verbose: global.verbose > 0,
            no_input: global.no_input,
            no_pager: global.no_pager,
            pager: pager.unwrap_or_else(|| "less".to_owned()),
            unicode: locale.is_empty() || locale.to_uppercase().contains("UTF"),
        }
    }
}

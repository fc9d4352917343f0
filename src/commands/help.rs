//! `wharf help`: commands, and topics that belong to no single command.

use super::result::out;
use crate::cli::Cli;
use crate::link::Failure;
use clap::CommandFactory;
use std::process::ExitCode;

/// Topics: name, title, text.
pub const TOPICS: &[(&str, &str, &str)] = &[
    (
        "exit-codes",
        "Exit codes",
        "  0    done (zero rows is success)\n  1    the request ran and failed: SQL rejected, question not answerable\n  2    usage or configuration\n  3    backend or daemon cannot be reached; a retry may help\n  4    deadline passed\n  5    not signed in, token expired, not permitted\n  6    object not found\n  7    refused by policy, or needs an approval\n  8    quota, rate or size limit\n  9    truncated, with --fail-on-truncate\n  70   a fault of wharf itself\n  130  interrupted\n  143  terminated\n",
    ),
    (
        "formats",
        "Formats of results",
        "  table, plain, vertical, markdown   for people; at most output.rows rows unless --limit says otherwise\n  csv        RFC 4180; NULL is an empty field, an empty text is \"\"\n  tsv        tabs; \\t \\n \\r \\\\ inside values are escaped\n  json       one array of objects\n  ndjson     one object a line\n  arrow      Arrow IPC stream\n  parquet    a Parquet file\n  none       run it, print nothing\n\nNumbers keep every digit. Dates and times are ISO 8601, zoned ones in UTC with Z. Intervals are ISO 8601\ndurations. Bytes are base64. Lists, structs and maps are JSON. NaN is null in JSON. A repeated column name\ngets a suffix. -o FILE chooses the form by its ending, and the file appears only when it is whole.\n",
    ),
    (
        "settings",
        "Settings",
        "Layers, the strongest first: flag, environment variable, .wharf.toml in the current folder, the user's\nconfig.toml, default. `wharf config show` prints each value and where it comes from, `wharf config init`\nwrites a file with every key and its meaning.\n",
    ),
    (
        "safety",
        "Safety",
        "Statements only read unless you add --write. Ordinary statements run on an instance of the engine that sees\nthe files of their source and nothing else; statements that name other files run outside that fence, because\nthe files are yours. `wharf query --only-tables a,b SQL` runs a statement as an agent would that may read\nonly these tables. Every statement is written to an append-only, hash-chained audit log before its first row\nis handed out, refused ones too; `wharf audit verify` checks the chain.\n",
    ),
];

/// Runs the command.
///
/// # Errors
/// When there is neither a command nor a topic of this name.
pub fn run(words: &[String]) -> Result<ExitCode, Failure> {
    if let [word] = words
        && let Some((_, title, text)) = TOPICS.iter().find(|(name, ..)| name == word)
    {
        out(&format!("{title}\n\n{text}"));
        return Ok(ExitCode::SUCCESS);
    }
    let mut command = Cli::command();
    command.build();
    for word in words {
        let Some(next) = command.find_subcommand(word).cloned() else {
            let topics: Vec<&str> = TOPICS.iter().map(|(name, ..)| *name).collect();
            return Err(Failure::usage(format!("there is no command or topic `{}`", words.join(" ")))
                .hint(format!("topics: {}; `wharf --help` shows the commands", topics.join(", "))));
        };
        command = next;
    }
    out(&command.render_long_help().to_string());
    Ok(ExitCode::SUCCESS)
}

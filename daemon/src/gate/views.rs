//! How policy cuts a table down for one reader.

use crate::policies::Effective;
use wharf_policy::TableName;
use wharf_protocol::{Table, TableColumn};

/// A table with the columns that the reader may see.
pub(super) fn shown(effective: &Effective, table: &Table) -> Table {
    let name = TableName::new(&table.catalog, &table.schema, &table.name);
    let denied = |column: &TableColumn| {
        effective.rules(&name).any(|r| {
            r.rule
                .columns
                .iter()
                .any(|(c, treatment)| treatment == "deny" && c.eq_ignore_ascii_case(&column.name))
        })
    };
    let columns = table.columns.iter().filter(|c| !denied(c)).cloned().collect();
    // How many rows there are in all is not theirs to know when they see only some.
    let filtered = effective.rules(&name).any(|r| r.rule.filter.is_some());
    Table { columns, rows: table.rows.filter(|_| !filtered), ..table.clone() }
}

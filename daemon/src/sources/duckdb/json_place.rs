//! Where a JSON file is broken. The engine tells a place too, but counts one line too many, or values instead of lines.

use serde::de::IgnoredAny;
use std::io::BufReader;
use std::path::Path;

/// The line of the first thing in a plain file that is no JSON; none if there is none.
pub(super) fn first_fault(path: &Path) -> Option<usize> {
    let reader = BufReader::new(std::fs::File::open(path).ok()?);
    let mut values = serde_json::Deserializer::from_reader(reader).into_iter::<IgnoredAny>();
    let fault = values.find_map(Result::err).filter(|e| !e.is_io())?;
    // What ends too early, with a line break behind it, is missed at the beginning of the line after.
    Some(if fault.column() == 0 { fault.line() - 1 } else { fault.line() }.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fault_is_found_by_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let fault = |text: &str| {
            std::fs::write(file.path(), text).unwrap();
            first_fault(file.path())
        };
        assert_eq!(fault("{\"id\":1}\n{\"id\":x}\n"), Some(2));
        assert_eq!(fault("[{\"id\":1},\n {\"id\":}]"), Some(2));
        assert_eq!(fault("{\"id\":1}\n{\"id\":"), Some(2));
        assert_eq!(fault("{\"id\":1}\n{\"id\":2}\n"), None);
        assert_eq!(fault("{\"id\":1}\n{\"id\":\n"), Some(2));
        assert_eq!(fault(&"[".repeat(100_000)), Some(1));
    }
}

//! Giving back what an idle daemon does not need.
//!
//! Most of an idle daemon's resident memory is program text of the engine that was touched while it started: clean pages
//! that the system could take back at any time but does not while memory is plenty. They are let go of here; the next
//! statement faults them in again from the page cache, which takes about a millisecond.

// The one call that the standard library and rustix offer only as unsafe: `madvise`.
#![allow(unsafe_code)]

use rustix::mm::{Advice, madvise};

/// Lets go of the resident pages of program text.
pub fn let_go_of_program_text() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    for (start, length) in maps.lines().filter_map(text_mapping) {
        // SAFETY: the range is a mapping of this process that is executable, private, backed by a file, and not
        // writable (see `text_mapping`), so no page of it can differ from the file: discarding pages loses nothing, and
        // a thread that runs there faults the same bytes in again. A mapping that went away in between makes the call
        // fail, which is harmless.
        let _ = unsafe { madvise(start as *mut _, length, Advice::LinuxDontNeed) };
    }
}

/// Start and length of a mapping of program text: `r-xp`, from a file.
fn text_mapping(line: &str) -> Option<(usize, usize)> {
    let mut fields = line.split_whitespace();
    let (range, mode) = (fields.next()?, fields.next()?);
    let file = fields.nth(3)?;
    if mode != "r-xp" || !file.starts_with('/') {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
    Some((start, end.checked_sub(start)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_program_text_of_files_is_let_go_of() {
        assert_eq!(text_mapping("7f00-8f00 r-xp 0000 fe:00 123  /usr/lib/x.so"), Some((0x7f00, 0x1000)));
        for other in [
            "7f00-8f00 r--p 0000 fe:00 123  /usr/lib/x.so",
            "7f00-8f00 rwxp 0000 fe:00 123  /usr/lib/x.so",
            "7f00-8f00 r-xs 0000 fe:00 123  /usr/lib/x.so",
            "7f00-8f00 r-xp 0000 00:00 0",
            "7f00-8f00 r-xp 0000 00:00 0    [vdso]",
        ] {
            assert_eq!(text_mapping(other), None, "{other}");
        }
        let_go_of_program_text();
        assert_eq!(text_mapping("nonsense"), None);
    }
}

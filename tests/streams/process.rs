//! What the system says of a process.

use std::collections::BTreeMap;

/// Open descriptors by what they point at, counted. The state's own connections are left out: their number is bounded
/// by their pool and grows with the first rush.
pub fn descriptors(pid: u32) -> BTreeMap<String, usize> {
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
        let target = std::fs::read_link(entry.path()).unwrap_or_default().display().to_string();
        if !target.contains("state.db") {
            let kind = target.split(":[").next().unwrap_or_default().to_owned();
            *all.entry(kind).or_default() += 1;
        }
    }
    all
}

/// Forgets the peak, so that the next one is of what comes now.
pub fn reset_peak(pid: u32) {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").unwrap();
}

/// The highest resident memory since the start or the last [`reset_peak`], in MiB. None if the process is gone.
pub fn peak_mib(pid: u32) -> Option<u64> {
    field(pid, "VmHWM:")
}

/// Resident memory in MiB.
pub fn resident_mib(pid: u32) -> Option<u64> {
    field(pid, "VmRSS:")
}

fn field(pid: u32, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find(|l| l.starts_with(name))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? >> 10)
}

/// Sends a signal.
pub fn signal(pid: u32, name: &str) {
    let status = std::process::Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(status.unwrap().success());
}

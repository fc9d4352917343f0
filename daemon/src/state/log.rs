//! Whether the store's write-ahead log can be trusted.
//!
//! The engine reads the log up to the first frame whose checksum does not fit and forgets the rest. That is right for what
//! a crash cut off, but it would also silently drop acknowledged commits behind a frame that the disk has damaged. A whole
//! commit behind the break tells the two apart: https://www.sqlite.org/fileformat2.html#the_write_ahead_log

use std::path::Path;

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;

/// The log of the store in `file`.
///
/// # Errors
/// What is wrong with it, when going on would lose commits.
pub(super) fn check(file: &Path) -> Result<(), String> {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    let path = Path::new(&name);
    let read = || match std::fs::symlink_metadata(path) {
        Ok(meta) if !meta.is_file() => Err("it is not a regular file".to_owned()),
        Ok(_) => verdict(&std::fs::read(path).map_err(|e| e.to_string())?),
        Err(_) => Ok(()),
    };
    // A private daemon may begin the log anew while it is read; what is damaged is so the second time too.
    read().or_else(|_| read())
}

fn verdict(log: &[u8]) -> Result<(), String> {
    if log.len() < HEADER || log[..HEADER].iter().all(|b| *b == 0) {
        return Ok(());
    }
    let order = match word(log, 0) {
        0x377f_0682 => u32::from_le_bytes,
        0x377f_0683 => u32::from_be_bytes,
        _ => return Err("its log is not one".to_owned()),
    };
    let sum = Sum { order };
    let start = sum.over((0, 0), &log[..24]);
    if start != (word(log, 24), word(log, 28)) {
        return Err("the head of its log is damaged".to_owned());
    }
    let size = FRAME_HEADER + usize::try_from(word(log, 8)).unwrap_or(0);
    let salt = &log[16..24];
    let (mut before, mut broken, mut commits) = (start, None, 0);
    for (number, frame) in log[HEADER..].chunks_exact(size).enumerate() {
        if frame[8..16] != *salt {
            break;
        }
        let told = (word(frame, 16), word(frame, 20));
        let fits = sum.over(sum.over(before, &frame[..8]), &frame[FRAME_HEADER..]) == told;
        match (fits, broken) {
            (false, None) => broken = Some(number + 1),
            (false, Some(_)) => commits = 0,
            (true, Some(_)) if word(frame, 4) != 0 => commits += 1,
            (true, _) => {}
        }
        // One commit behind the break may be what a failed write left; two were acknowledged.
        if let (Some(broken), 2) = (broken, commits) {
            return Err(format!("its log is damaged at frame {broken}, and there are commits behind that"));
        }
        before = told;
    }
    Ok(())
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// The log's checksum, whose words have the order of bytes of the machine that began it.
struct Sum {
    order: fn([u8; 4]) -> u32,
}

impl Sum {
    fn over(&self, start: (u32, u32), bytes: &[u8]) -> (u32, u32) {
        let word = |b: &[u8]| (self.order)([b[0], b[1], b[2], b[3]]);
        bytes.chunks_exact(8).fold(start, |(first, second), pair| {
            let first = first.wrapping_add(word(&pair[..4])).wrapping_add(second);
            (first, second.wrapping_add(word(&pair[4..])).wrapping_add(first))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::State;

    /// A store with some commits that are in its log only.
    async fn log() -> Vec<u8> {
        let tmp = tempfile::tempdir().unwrap();
        let state = State::open(tmp.path()).await.unwrap();
        for n in 0..6 {
            let mut write = state.write().await.unwrap();
            sqlx::query("insert into store values (?, 'x')").bind(n).execute(write.on()).await.unwrap();
            write.commit().await.unwrap();
        }
        std::fs::read(tmp.path().join("state.db-wal")).unwrap()
    }

    #[tokio::test]
    async fn a_cut_log_is_sound_and_a_damaged_one_is_not() {
        let log = log().await;
        assert_eq!(verdict(&log), Ok(()));
        for cut in [0, 10, HEADER, log.len() / 2, log.len() - 1] {
            assert_eq!(verdict(&log[..cut]), Ok(()), "{cut}");
        }
        let frames = (log.len() - HEADER) / 4120;
        for frame in 0..frames - 3 {
            for at in [9 + 16, 2000] {
                let mut damaged = log.clone();
                damaged[HEADER + frame * 4120 + at] ^= 1;
                let told = verdict(&damaged).unwrap_err();
                assert!(told.contains(&format!("frame {}", frame + 1)), "{told}");
            }
        }
        // The last commit may be one that a crash tore.
        let mut torn = log.clone();
        *torn.last_mut().unwrap() ^= 1;
        assert_eq!(verdict(&torn), Ok(()));
        let mut headless = log;
        headless[3] ^= 0x10;
        assert!(verdict(&headless).is_err());
    }
}

//! The pages for admins and agents, walked as a reader would: every line of their `sh` blocks, in order, from nothing but the
//! installed programs. What stands after `# =>` must come of the command before it.
//!
//! Blocks marked `console` are not run: they listen beyond this machine and need a certificate, a domain or port 443. `server`,
//! `login` and `acme` beside this file try those.

use crate::support::Place;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// The address that the pages name.
const ADDRESS: &str = "127.0.0.1:8080";
/// How long one command may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// One command of a page, and what the page says of it.
struct Step {
    line: usize,
    command: String,
    code: i32,
    shown: Vec<String>,
}

/// The steps of the `sh` blocks of a page.
fn steps(page: &str) -> Vec<Step> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
    let (mut steps, mut runs) = (Vec::<Step>::new(), false);
    for (number, line) in std::fs::read_to_string(path).unwrap().lines().enumerate() {
        if let Some(language) = line.strip_prefix("```") {
            runs = language == "sh";
        } else if runs && let Some(shown) = line.strip_prefix("# => ") {
            steps.last_mut().unwrap().shown.push(shown.to_owned());
        } else if runs && !line.trim().is_empty() {
            let code = line.split_once("# exit code ").map_or("0", |(_, said)| said);
            let code = code.split(':').next().unwrap().trim().parse().unwrap();
            steps.push(Step { line: number + 1, command: line.to_owned(), code, shown: Vec::new() });
        }
    }
    steps
}

/// Whether a line of the text has these parts in this order, with anything for each `...` between them.
fn shows(text: &str, shown: &str) -> bool {
    text.lines().any(|line| {
        let mut rest = line;
        shown.split("...").all(|part| match rest.split_once(part.trim()) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    })
}

/// Somebody's terminal. What runs in it ends with it.
struct Terminal {
    shell: Child,
    input: ChildStdin,
    codes: Receiver<i32>,
    folder: PathBuf,
    address: String,
    /// All that was printed.
    printed: String,
}

impl Terminal {
    /// A shell in the place's working folder, with these variables.
    fn open(place: &Place, address: &str, variables: &[(&str, &str)]) -> Self {
        // The page's reader takes minutes; here the limits of one minute would be met.
        let unhurried = [("WHARF_RATE_METADATA", "0"), ("WHARF_RATE_QUERY", "0")];
        let programs = Path::new(env!("CARGO_BIN_EXE_wharf")).parent().unwrap();
        let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
        std::fs::write(place.path("home").join(".curlrc"), "silent\nshow-error\n").unwrap();
        let mut command = place.command_of("sh", &[]);
        command.env("PATH", path).envs(unhurried).envs(variables.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut shell = command.spawn().unwrap();
        let (input, output) = (shell.stdin.take().unwrap(), shell.stdout.take().unwrap());
        let (tell, codes) = channel();
        std::thread::spawn(move || {
            for code in BufReader::new(output).lines().map_while(Result::ok) {
                let _ = tell.send(code.parse().unwrap());
            }
        });
        let folder = place.path("printed");
        std::fs::create_dir_all(&folder).unwrap();
        Self { shell, input, codes, folder, address: address.to_owned(), printed: String::new() }
    }

    /// Types a command; its exit code, and the file that holds what it prints.
    fn enter(&mut self, name: &str, command: &str) -> (i32, PathBuf) {
        let printed = self.folder.join(name);
        let line = format!("{{ {command}\n}} </dev/null >'{}' 2>&1; echo $?\n", printed.display());
        self.input.write_all(line.as_bytes()).unwrap();
        let code = self.codes.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("{command}: no end"));
        (code, printed)
    }

    /// Walks a page from top to bottom.
    fn walk(&mut self, page: &str) {
        let (steps, mut bad) = (steps(page), String::new());
        assert!(steps.len() > 20, "{page} has no sh blocks");
        for step in steps {
            let here = |text: &str| text.replace(ADDRESS, &self.address);
            let shown: Vec<String> = step.shown.iter().map(|text| here(text)).collect();
            let (code, file) = self.enter(&format!("{page}:{}", step.line), &here(&step.command));
            // What runs in the background prints later.
            let deadline = Instant::now() + Duration::from_secs(10);
            let behind = step.command.contains(" & ");
            let (printed, missing) = loop {
                let printed = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
                let missing: Vec<&String> = shown.iter().filter(|text| !shows(&printed, text)).collect();
                if missing.is_empty() || !behind || Instant::now() > deadline {
                    break (printed, missing);
                }
                std::thread::sleep(Duration::from_millis(5));
            };
            if code != step.code || !missing.is_empty() {
                let start: String = printed.chars().take(2000).collect();
                let _ = writeln!(
                    bad,
                    "docs/{page}:{}: {}\n  exit code {code}, without {missing:?}:\n{start}\n",
                    step.line, step.command
                );
            }
            self.printed.push_str(&printed);
        }
        assert!(bad.is_empty(), "{bad}");
    }

    /// The value of a variable.
    fn variable(&mut self, name: &str) -> String {
        let (_, file) = self.enter("variable", &format!("printf %s \"${name}\""));
        std::fs::read_to_string(file).unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let group = format!("-{}", self.shell.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.shell.wait();
    }
}

#[test]
fn the_pages_for_admins_and_agents_can_be_walked_from_an_empty_machine() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let (place, scout, other) = (Place::new(), Place::new(), Place::new());
    let mut admin = Terminal::open(&place, &address, &[]);
    admin.walk("admins.md");

    // The agent that the page made, on a machine of its own.
    let (swarm, agent) = (admin.variable("SWARM"), admin.variable("AGENT"));
    let mut first = Terminal::open(&scout, &address, &[("SWARM", &swarm), ("AGENT", &agent)]);
    first.walk("agents.md");
    assert!(first.printed.contains("Germany") && !first.printed.contains("France"));

    // One of another swarm and tenant walks the same page and meets nothing of the first.
    let secret = |args: &[&str]| place.ok(&[&["token", "create"], args].concat()).trim().to_owned();
    let swarm = secret(&["swarm", "--label", "logistics", "--tenant", "France"]);
    let agent = secret(&["agent", "--swarm", "logistics"]);
    place.ok(&["table", "allow", "orders", "--to", "swarm:logistics"]);
    let mut second = Terminal::open(&other, &address, &[("SWARM", &swarm), ("AGENT", &agent)]);
    second.walk("agents.md");
    assert!(second.printed.contains("France") && !second.printed.contains("Germany"));

    // Nobody's machine but the admin's has a daemon, and the server ends when it is told to.
    assert!(scout.daemon_pid().is_none() && other.daemon_pid().is_none());
    assert_eq!(admin.enter("end", "kill $! && wait $!").0, 0);
    let audit = place.ok(&["audit", "verify"]);
    assert!(audit.contains("unbroken"), "{audit}");
}

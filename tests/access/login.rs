//! `wharf login` at a server with TLS, work there from afar, `wharf logout`; and where the login is kept meanwhile.

use super::server::Server;
use crate::support::{Place, Ran, wait_until};
use std::process::{Command, Stdio};

const PASSWORD: &str = "correct horse battery staple";

/// A server with TLS and the analyst `ada`, whose tenant is acme.
fn serving() -> Server {
    let place = Place::new();
    let server = Server::with(place, &["--listen", "127.0.0.1:0", "--self-signed"], &[]);
    server.place.file("d/orders.csv", super::server::ORDERS);
    server.place.ok(&["source", "add", "shop", "d"]);
    let made =
        server.place.pipe(&["user", "create", "ada", "--role", "analyst", "--tenant", "acme"], PASSWORD);
    assert_eq!(made.code, 0, "{}", made.err);
    server.place.ok(&["table", "allow", "shop.orders", "--to", "user:ada"]);
    server
}

/// Somebody else's machine.
struct Afar {
    place: Place,
    url: String,
    certificate: String,
}

impl Afar {
    fn of(server: &Server) -> Self {
        let certificate = server.place.path("s/self-signed.pem").to_string_lossy().into_owned();
        Self { place: Place::new(), url: format!("https://{}", server.address), certificate }
    }

    fn login(&self, user: &str, password: &str) -> Ran {
        self.place.pipe(&["login", &self.url, "--user", user, "--certificate", &self.certificate], password)
    }

    fn at(&self, args: &[&str]) -> Ran {
        self.place.run(&[args, &["--server", &self.url]].concat())
    }

    #[track_caller]
    fn ok(&self, args: &[&str]) -> String {
        let ran = self.at(args);
        assert_eq!(ran.code, 0, "{args:?}: {}", ran.err);
        ran.out
    }
}

#[test]
fn a_user_works_at_a_server_as_at_home_and_sees_what_they_may() {
    let server = serving();
    let afar = Afar::of(&server);
    let stranger = afar.at(&["query", "select 1"]);
    assert!(stranger.code == 5 && stranger.err.contains("nobody is logged in"), "{}", stranger.err);
    let untrusted = afar.place.pipe(&["login", &afar.url, "--user", "ada"], PASSWORD);
    assert!(untrusted.code != 0 && untrusted.err.contains("not trusted"), "{}", untrusted.err);
    let wrong = afar.login("ada", "wrong");
    assert!(wrong.code == 5 && wrong.err.contains("password is wrong"), "{}", wrong.err);
    let right = afar.login("ada", PASSWORD);
    assert_eq!(right.code, 0, "{}", right.err);

    let sql = "select id, amount from orders order by id";
    assert_eq!(afar.ok(&["query", sql, "--csv"]), "id,amount\n1,10.5\n2,20.0\n3,30.25\n");
    assert!(afar.ok(&["query", sql]).contains("30.25"));
    let file = afar.place.work().join("o.parquet");
    afar.ok(&["query", sql, "-o", file.to_str().unwrap()]);
    assert_eq!(&std::fs::read(&file).unwrap()[..4], b"PAR1");
    assert!(afar.ok(&["sample", "orders", "--csv"]).starts_with("id,tenant"));
    assert!(afar.ok(&["profile", "orders", "--json"]).contains("\"rows\""));
    assert!(afar.ok(&["table", "list"]).contains("orders"));

    // What they may not see, what is the owner's, and a mistake in the statement.
    let hidden = afar.at(&["query", "select * from payroll"]);
    assert!(hidden.code != 0 && hidden.err.contains("payroll"), "{}", hidden.err);
    assert!(afar.at(&["token", "list"]).err.contains("permission `manage`"));
    assert!(afar.at(&["source", "list"]).err.contains("does not offer this"));
    let failed = afar.at(&["query", "select cast('x' as integer) from orders", "-o", "bad.csv"]);
    assert!(failed.code != 0 && !afar.place.work().join("bad.csv").exists(), "{}", failed.err);
    // An admin's limit is told apart from one of their own, which more can be asked for.
    server.place.ok(&["policy", "set", "--for", "user:ada", "--rows", "2"]);
    for (args, code, said) in [
        (&["query", sql, "--csv", "--limit", "1"][..], 0, "showing 1 rows"),
        (&["query", sql, "--csv"], 0, "only 2 rows; there are more, but an admin's limit"),
        (&["query", sql, "--fail-on-truncate"], 9, "only 2 rows; there are more, but an admin's limit"),
    ] {
        let cut = afar.at(args);
        assert!(cut.code == code && cut.err.contains(said), "{args:?}: {} {}", cut.code, cut.err);
    }
    // No daemon was needed here.
    assert!(afar.place.daemon_pid().is_none());

    assert_eq!(afar.place.run(&["logout", &afar.url]).code, 0);
    assert!(afar.at(&["query", "select 1"]).err.contains("nobody is logged in"));
    let again = afar.place.run(&["logout", &afar.url]);
    assert!(again.code == 5 && again.err.contains("nobody is logged in"), "{}", again.err);
}

#[test]
fn a_login_that_the_server_ended_says_how_to_begin_another_and_can_be_forgotten() {
    let server = serving();
    let afar = Afar::of(&server);
    assert_eq!(afar.login("ada", PASSWORD).code, 0);
    server.place.ok(&["user", "update", "ada", "--disable"]);
    let refused = afar.at(&["query", "select 1"]);
    assert!(refused.code == 5 && refused.err.contains("wharf login https://"), "{}", refused.err);
    assert_eq!(afar.place.run(&["logout", &afar.url]).code, 0);
}

#[test]
fn a_jwt_in_its_second_half_is_renewed_and_one_that_is_over_is_told() {
    let place = Place::new();
    let server = Server::with(place, &["--listen", "127.0.0.1:0"], &[("WHARF_JWT", "4s")]);
    let made = server.place.pipe(&["user", "create", "ada", "--role", "analyst"], PASSWORD);
    assert_eq!(made.code, 0, "{}", made.err);
    let (afar, url) = (Place::new(), format!("http://{}", server.address));
    assert_eq!(afar.pipe(&["login", &url, "--user", "ada"], PASSWORD).code, 0);
    let refreshes =
        || server.place.ok(&["audit", "search", "--action", "refresh", "--ndjson"]).lines().count();
    let works = || afar.run(&["table", "list", "--server", &url]).code == 0;
    assert!(works());
    wait_until("a JWT was renewed", || works() && refreshes() > 0);
    // Nobody asks for longer than a JWT lasts.
    let mut last = String::new();
    let over = std::time::Instant::now() + std::time::Duration::from_millis(4_500);
    wait_until("the JWT is over", || std::time::Instant::now() > over);
    wait_until("it is told", || {
        last = afar.run(&["table", "list", "--server", &url]).err;
        last.contains("has ended")
    });
    assert!(last.contains(&format!("wharf login {url} --user ada")), "{last}");
}

#[test]
fn an_agent_logs_in_with_its_tokens_and_addresses_that_would_leak_them_are_refused() {
    let server = serving();
    let tokens = server.agent("red", "acme");
    let pair = tokens.strip_prefix("Bearer ").unwrap();
    server.place.ok(&["table", "allow", "shop.orders", "--to", "swarm:red"]);
    let afar = Afar::of(&server);
    let file = afar.place.file("tokens", pair.replace(';', "\n"));
    let args = [
        "login",
        &afar.url,
        "--certificate",
        &afar.certificate,
        "--tokens",
        file.to_str().unwrap(),
        "--json",
    ];
    let told = afar.place.json(&args);
    assert_eq!(
        (told["user"]["roles"][0].as_str(), told["ends_in"].is_null()),
        (Some("agent"), true),
        "{told}"
    );
    assert_eq!(afar.ok(&["query", "select count(*) as n from orders", "--csv"]), "n\n3\n");
    for url in ["http://example.org", "https://u:p@example.org", "example.org", "https://example.org/x"] {
        let error = afar.place.fails(&["login", url, "--tokens", file.to_str().unwrap()], 2);
        assert!(error.contains("https://"), "{error}");
    }
    let other = afar.place.file("other", "hunter2");
    let error = afar.place.fails(&["login", &afar.url, "--tokens", other.to_str().unwrap()], 2);
    assert!(!error.contains("hunter2"), "{error}");
}

#[test]
fn a_login_is_kept_encrypted_for_the_user_alone_and_doctor_says_where() {
    let server = serving();
    let afar = Afar::of(&server);
    assert!(afar.place.run(&["doctor"]).out.contains("the first one would be kept in an encrypted file"));
    assert_eq!(afar.login("ada", PASSWORD).code, 0);
    for entry in std::fs::read_dir(afar.place.path("s/secrets")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        // Neither the JWT nor whose it is.
        assert!(!text.contains("eyJ") && !text.contains("ada") && !text.contains("127.0.0.1"), "{text}");
    }
    let told = afar.place.run(&["doctor"]).out;
    assert!(told.contains("an encrypted file") && told.contains("its key lies beside it"), "{told}");
    // Another key does not open it, and says so before anything else happens.
    let key = afar.place.file("key", [7_u8; 32]);
    let mut command = afar.place.command(&["query", "select 1", "--server", &afar.url]);
    let other = Ran::of(&command.env("WHARF_SECRETS_KEY_FILE", &key).output().unwrap());
    assert!(other.code != 0 && other.err.contains("does not open"), "{}", other.err);
}

/// A real Secret Service on a session bus of its own, as a desktop has it.
#[test]
fn where_a_keyring_answers_it_keeps_the_login() {
    let has = |tool: &str| {
        Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    if !has("dbus-run-session") || !has("gnome-keyring-daemon") {
        println!("skipped: dbus-run-session or gnome-keyring-daemon is not installed");
        return;
    }
    let server = serving();
    let afar = Afar::of(&server);
    let script = format!(
        "printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1\n\
         echo '{PASSWORD}' | \"$0\" login {url} --user ada --certificate '{certificate}' || exit 1\n\
         \"$0\" query 'select count(*) as n from orders' --csv --server {url} || exit 2\n\
         \"$0\" doctor\n\
         \"$0\" daemon stop -q\n",
        url = afar.url,
        certificate = afar.certificate,
    );
    let mut command =
        afar.place.command_of("dbus-run-session", &["--", "sh", "-c", &script, env!("CARGO_BIN_EXE_wharf")]);
    let ran = Ran::of(&command.env("XDG_RUNTIME_DIR", afar.place.path("r")).output().unwrap());
    assert_eq!(ran.code, 0, "{} {}", ran.out, ran.err);
    assert!(
        ran.out.contains("n\n3\n") && ran.out.contains("kept in the OS keyring"),
        "{} {}",
        ran.out,
        ran.err
    );
    assert_eq!(std::fs::read_to_string(afar.place.path("s/secrets/store")).unwrap(), "keyring");
    assert!(!afar.place.path("s/secrets/kept.enc").exists());
    // Without it nothing is asked for elsewhere behind the user's back.
    let without = afar.at(&["query", "select 1"]);
    assert!(without.code != 0 && without.err.contains("keyring"), "{}", without.err);
}

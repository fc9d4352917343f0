//! Peers that begin and do not go on (R9): they are dropped within the limits, and nobody else waits for them.

use crate::streams::http::{Reply, connect, status};
use crate::streams::process::{descriptors, signal};
use crate::support::{Place, wait_until};
use std::io::{IoSlice, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

const EACH: usize = 50;
/// The daemon under test wants requests whole within a second.
const REQUEST_TIME: (&str, &str) = ("WHARF_REQUEST_TIME", "1s");
/// What a peer may take until it is dropped: three times what is promised.
const DROPPED: Duration = Duration::from_secs(3);

const HEAD: &str = "POST /api/queries/stream HTTP/1.1\r\nHost: wharf\r\nContent-Length: 1000\r\n\r\n";

/// How peers begin, and whether they go on drop by drop.
const BEGINNINGS: [(&str, &str, bool); 5] = [
    ("nothing sent", "", false),
    ("half a head", "POST /api/queries/stream HTTP/1.1\r\nHost: wha", false),
    ("a header byte now and then", "GET /health HTTP/1.1\r\nX: ", true),
    ("no body", HEAD, false),
    ("a body byte now and then", HEAD, true),
];

/// Waits until the far side has closed, dripping a byte now and then if wanted. What it said.
fn until_dropped(mut stream: UnixStream, drips: bool) -> String {
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let (mut said, mut buffer) = (Vec::new(), [0; 4096]);
    let begun = Instant::now();
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => said.extend_from_slice(&buffer[..n]),
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
        assert!(begun.elapsed() < DROPPED, "still connected after {:?}", begun.elapsed());
        if drips {
            let _ = stream.write_all(b"x");
        }
    }
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn peers_that_begin_and_do_not_go_on_are_dropped() {
    let place = Place::new();
    place.command(&["daemon", "start"]).env(REQUEST_TIME.0, REQUEST_TIME.1).output().unwrap();
    let pid = place.daemon_pid().unwrap();
    wait_until("nobody else is connected", || status(&place)["clients"] == 1);
    let before = descriptors(pid);
    std::thread::scope(|scope| {
        let peers: Vec<_> = BEGINNINGS
            .iter()
            .flat_map(|beginning| (0..EACH).map(move |_| beginning))
            .map(|(what, text, drips)| {
                let mut stream = connect(&place);
                stream.write_all(text.as_bytes()).unwrap();
                (what, scope.spawn(move || until_dropped(stream, *drips)))
            })
            .collect();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(800) {
            let asked = Instant::now();
            let mut stream = connect(&place);
            stream.write_all(b"GET /health HTTP/1.1\r\nHost: wharf\r\n\r\n").unwrap();
            assert_eq!(Reply::read(stream).unwrap().json()["status"], "healthy");
            assert!(asked.elapsed() < Duration::from_millis(500), "health took {:?}", asked.elapsed());
        }
        for (what, peer) in peers {
            let said = peer.join().unwrap_or_else(|_| panic!("{what}"));
            if what.contains("body") {
                assert!(said.starts_with("HTTP/1.1 408") && said.contains("\"body_late\""), "{what}: {said}");
            }
        }
    });
    wait_until("nobody else is connected", || status(&place)["clients"] == 1);
    wait_until(&format!("descriptors are back at {before:?}"), || descriptors(pid) == before);
    assert_eq!(place.ok(&["query", "select 1", "--csv", "-t"]), "1\n");
}

#[test]
fn outputs_that_nobody_asks_for_are_closed() {
    let place = Place::new();
    place.ok(&["query", "select 1", "--csv"]);
    let socket = place.path("r").join("handoff.sock");
    // Peers that say nothing, or not enough, or hand over what is no id.
    let silent: Vec<_> = (0..EACH).map(|_| UnixStream::connect(&socket).unwrap()).collect();
    for _ in 0..EACH {
        UnixStream::connect(&socket).unwrap().write_all(b"short").unwrap();
    }
    // One that hands its output over and dies: whoever reads it must see the end.
    let (mut reader, writer) = std::io::pipe().unwrap();
    assert_eq!(hand_over(&socket, &[7; 16], &writer.into()), 1);
    let begun = Instant::now();
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).unwrap();
    assert!(begun.elapsed() < Duration::from_secs(30) && rest.is_empty(), "{:?}", begun.elapsed());
    for mut stream in silent {
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        assert_eq!(stream.read(&mut [0; 10]).unwrap(), 0);
    }
    assert_eq!(place.ok(&["query", "select 2", "--csv", "-t"]), "2\n");
}

#[test]
fn the_output_of_a_request_that_is_refused_is_closed_at_once() {
    let place = Place::new();
    place.ok(&["query", "select 1", "--csv"]);
    let calls: [&[&str]; 5] = [
        &["sample", "nix", "--csv"],
        &["sample", "nix", "--percent", "-1", "--csv"],
        &["metric", "query", "nix", "--csv"],
        &["query", "select * from nix", "--csv"],
        &["query", "select 1", "--csv", "--source", "nix"],
    ];
    for args in calls {
        let begun = Instant::now();
        // Whoever reads standard output sees its end only when nobody holds it open any more.
        let ran = place.run(args);
        assert!(ran.code != 0 && ran.out.is_empty(), "{args:?}: {ran:?}");
        assert!(begun.elapsed() < Duration::from_secs(3), "{args:?}: {:?}", begun.elapsed());
    }
}

/// Hands a descriptor over as the client does; what the daemon answers.
fn hand_over(socket: &std::path::Path, id: &[u8; 16], fd: &OwnedFd) -> u8 {
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
    let mut stream = UnixStream::connect(socket).unwrap();
    let fds = [fd.as_fd()];
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&fds));
    rustix::net::sendmsg(&stream, &[IoSlice::new(id)], &mut control, SendFlags::empty()).unwrap();
    let mut taken = [0];
    stream.read_exact(&mut taken).unwrap();
    taken[0]
}

#[test]
fn more_outputs_than_can_wait_are_refused_and_a_frozen_client_is_let_go() {
    let place = Place::new();
    place.ok(&["query", "select 1", "--csv"]);
    let pid = place.daemon_pid().unwrap();
    let socket = place.path("r").join("handoff.sock");
    let answers: Vec<u8> = (0..300_u16)
        .map(|i| {
            let mut id = [0; 16];
            id[..2].copy_from_slice(&i.to_le_bytes());
            hand_over(&socket, &id, &std::fs::File::open("/dev/null").unwrap().into())
        })
        .collect();
    assert_eq!(answers.iter().filter(|a| **a == 1).count(), 256, "{answers:?}");
    let err = place.fails(&["query", "select 1", "--csv"], 8);
    assert!(err.contains("too many outputs"), "{err}");
    place.kill_daemon();
    place.ok(&["query", "select 1", "--csv"]);
    assert_ne!(place.daemon_pid().unwrap(), pid);
    // A client that is stopped while its statement runs, and then killed.
    let mut child = place.start(&["query", "from range(100000000000)", "--csv"]);
    wait_until("the statement runs", || status(&place)["statements"] == 1);
    signal(child.id(), "STOP");
    assert_eq!(place.ok(&["query", "select 2", "--csv", "-t"]), "2\n");
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until("the statement is ended", || status(&place)["statements"] == 0);
}

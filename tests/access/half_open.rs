//! Peers of the encrypted door that begin and do not go on (R9): dropped within the limits, and nobody else waits for them.

use super::server::Server;
use crate::streams::http::{Reply, status};
use crate::streams::process::descriptors;
use crate::support::{Place, wait_until};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

const EACH: usize = 50;
/// The daemon under test wants handshakes, and requests, within a second each.
const REQUEST_TIME: (&str, &str) = ("WHARF_REQUEST_TIME", "1s");
/// What a peer may take until it is dropped: a handshake, a request, and as much again for a busy machine.
const DROPPED: Duration = Duration::from_secs(4);

/// How far a peer goes.
#[derive(Debug, Clone, Copy)]
enum Stops {
    /// Nothing is sent.
    AtOnce,
    /// Half a ClientHello.
    InHello,
    /// A whole one, and no answer to what the server says.
    BehindHello,
    /// The handshake, and nothing behind it.
    BehindHandshake,
    /// The handshake, and a byte of the head now and then.
    InHead,
}

const ALL: [Stops; 5] =
    [Stops::AtOnce, Stops::InHello, Stops::BehindHello, Stops::BehindHandshake, Stops::InHead];

/// A client that trusts the server's own certificate.
fn client(server: &Server) -> Arc<ClientConfig> {
    let pem = CertificateDer::from_pem_file(server.place.path("s").join("self-signed.pem")).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(pem).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

fn begin(config: &Arc<ClientConfig>) -> ClientConnection {
    ClientConnection::new(config.clone(), ServerName::try_from("localhost").unwrap()).unwrap()
}

/// A stream whose handshake is done.
fn encrypted(stream: TcpStream, config: &Arc<ClientConfig>) -> StreamOwned<ClientConnection, TcpStream> {
    let mut stream = StreamOwned::new(begin(config), stream);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).unwrap();
    }
    stream
}

/// Goes so far, then waits until the far side has closed.
fn until_dropped(mut stream: TcpStream, config: &Arc<ClientConfig>, stops: Stops) {
    let mut hello = Vec::new();
    begin(config).write_tls(&mut hello).unwrap();
    match stops {
        Stops::AtOnce => {}
        Stops::InHello => stream.write_all(&hello[..hello.len() / 2]).unwrap(),
        Stops::BehindHello => stream.write_all(&hello).unwrap(),
        Stops::BehindHandshake | Stops::InHead => {
            let mut stream = encrypted(stream, config);
            if matches!(stops, Stops::InHead) {
                stream.write_all(b"GET /health HTTP/1.1\r\nX: ").unwrap();
            }
            return closed(&mut stream, |s| s.sock.set_read_timeout(Some(Duration::from_millis(100))), stops);
        }
    }
    closed(&mut stream, |s| s.set_read_timeout(Some(Duration::from_millis(100))), stops);
}

/// Reads until the end, with a byte now and then where that is wanted.
fn closed<S: Read + Write>(
    stream: &mut S,
    look_now_and_then: impl Fn(&S) -> std::io::Result<()>,
    stops: Stops,
) {
    look_now_and_then(stream).unwrap();
    let (begun, mut buffer) = (Instant::now(), [0; 4096]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
        assert!(begun.elapsed() < DROPPED, "{stops:?}: still connected after {:?}", begun.elapsed());
        if matches!(stops, Stops::InHead) {
            let _ = stream.write_all(b"x");
        }
    }
}

#[test]
fn peers_that_begin_to_encrypt_and_do_not_go_on_are_dropped() {
    let args = ["--listen", "127.0.0.1:0", "--self-signed"];
    let server = Server::with(Place::new(), &args, &[REQUEST_TIME]);
    let config = client(&server);
    let healthy = || {
        let mut stream = encrypted(server.connect(), &config);
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        assert_eq!(Reply::read(stream).unwrap().json()["status"], "healthy");
    };
    healthy();
    let pid = server.place.daemon_pid().unwrap();
    let alone = || status(&server.place)["clients"] == 1;
    wait_until("nobody else is connected", alone);
    let before = descriptors(pid);
    std::thread::scope(|scope| {
        let peers: Vec<_> = ALL
            .iter()
            .flat_map(|stops| (0..EACH).map(move |_| *stops))
            .map(|stops| {
                let (stream, config) = (server.connect(), &config);
                scope.spawn(move || until_dropped(stream, config, stops))
            })
            .collect();
        let begun = Instant::now();
        let mut answered = 0;
        while begun.elapsed() < Duration::from_millis(800) {
            healthy();
            answered += 1;
        }
        assert!(answered > 0);
        for (peer, stops) in peers.into_iter().zip(ALL.iter().flat_map(|s| [s; EACH])) {
            peer.join().unwrap_or_else(|_| panic!("{stops:?}"));
        }
    });
    wait_until("nobody else is connected", alone);
    wait_until(&format!("descriptors are back at {before:?}"), || {
        descriptors(pid).iter().all(|(kind, count)| before.get(kind).is_some_and(|b| count <= b))
    });
    healthy();
}

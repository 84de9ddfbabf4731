//! A network that breaks on demand: a TCP proxy between a client and a server, neither of which needs to know.
//!
//! It knows bytes only and no protocol; what a server does wrong on its own account is told to the worlds.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

/// What happens to the bytes. A change is felt by open connections too, at their next bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing: they pass.
    #[default]
    None,
    /// They pass this much later, in each direction.
    Latency(Duration),
    /// After this many bytes of a connection, both directions together, both sides get a reset.
    ResetAfter(u64),
    /// Connections are taken, and bytes vanish.
    BlackHole,
    /// What the client sends arrives, and answers vanish: the server does its work and nobody hears of it.
    HalfOpen,
    /// New connections are closed at once, and open ones are reset.
    Down,
}

/// A proxy on a free port of loopback, until it is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    fault: watch::Sender<Fault>,
    cut: watch::Sender<u64>,
    connections: Arc<AtomicU64>,
    to_server: Arc<AtomicU64>,
    _stop: DropGuard,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    ToServer,
    ToClient,
}

impl FaultProxy {
    /// A proxy to the server at `upstream`.
    ///
    /// # Errors
    /// No port can be had.
    pub async fn start(upstream: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (fault, faults) = watch::channel(Fault::None);
        let (cut, cuts) = watch::channel(0);
        let connections = Arc::new(AtomicU64::new(0));
        let to_server = Arc::new(AtomicU64::new(0));
        let passing = to_server.clone();
        let stop = CancellationToken::new();
        let (tasks, counted, token) = (TaskTracker::new(), connections.clone(), stop.clone());
        let spawner = tasks.clone();
        let accepting = async move {
            while let Ok((client, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                spawner.spawn(token.clone().run_until_cancelled_owned(connection(
                    client,
                    upstream,
                    faults.clone(),
                    cuts.clone(),
                    passing.clone(),
                )));
            }
        };
        tasks.spawn(stop.clone().run_until_cancelled_owned(accepting));
        Ok(Self { address, fault, cut, connections, to_server, _stop: stop.drop_guard() })
    }

    /// Where clients connect to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as an HTTP address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on this happens.
    pub fn set(&self, fault: Fault) {
        self.fault.send_replace(fault);
    }

    /// Resets every open connection now.
    pub fn cut(&self) {
        self.cut.send_modify(|count| *count += 1);
    }

    /// How many bytes have passed to the server.
    #[must_use]
    pub fn to_server(&self) -> u64 {
        self.to_server.load(Ordering::SeqCst)
    }

    /// How many connections there have been.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn connection(
    mut client: TcpStream,
    upstream: SocketAddr,
    mut faults: watch::Receiver<Fault>,
    mut cuts: watch::Receiver<u64>,
    to_server: Arc<AtomicU64>,
) {
    cuts.mark_unchanged();
    let server =
        if *faults.borrow() == Fault::Down { Err(io::ErrorKind::ConnectionRefused.into()) } else { TcpStream::connect(upstream).await };
    let Ok(mut server) = server else {
        let _ = client.set_zero_linger();
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let watched = faults.clone();
    let ended = {
        let passed = AtomicU64::new(0);
        let (from_client, into_client) = client.split();
        let (from_server, into_server) = server.split();
        let there = pump(from_client, into_server, Direction::ToServer, &watched, (&passed, Some(&*to_server)));
        let back = pump(from_server, into_client, Direction::ToClient, &watched, (&passed, None));
        tokio::select! {
            ended = async { futures::try_join!(there, back) } => ended.is_ok(),
            _ = faults.wait_for(|fault| *fault == Fault::Down) => false,
            _ = cuts.changed() => false,
        }
    };
    if !ended {
        // A reset, rather than an end that could be taken for a whole answer.
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    direction: Direction,
    faults: &watch::Receiver<Fault>,
    (passed, counted): (&AtomicU64, Option<&AtomicU64>),
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let count = from.read(&mut buffer).await?;
        let fault = *faults.borrow();
        let vanishes = fault == Fault::BlackHole || (fault == Fault::HalfOpen && direction == Direction::ToClient);
        if count == 0 {
            // The end of one direction is a message too: where bytes vanish, so does it.
            return if vanishes { std::future::pending().await } else { to.shutdown().await };
        }
        let bytes = &buffer[..count];
        match fault {
            Fault::Latency(pause) => tokio::time::sleep(pause).await,
            Fault::ResetAfter(limit) => {
                let room = usize::try_from(limit.saturating_sub(passed.load(Ordering::SeqCst))).unwrap_or(usize::MAX);
                if count > room {
                    to.write_all(&bytes[..room]).await?;
                    return Err(io::ErrorKind::ConnectionReset.into());
                }
            }
            Fault::None | Fault::BlackHole | Fault::HalfOpen | Fault::Down => {}
        }
        if !vanishes {
            passed.fetch_add(count as u64, Ordering::SeqCst);
            counted.map(|counted| counted.fetch_add(count as u64, Ordering::SeqCst));
            to.write_all(bytes).await?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Settings, WireChat, WireWorld};
    use bellhop_core::call::Audience;
    use bellhop_core::capabilities::Lookup;
    use bellhop_core::ports::{ChatPlatform as _, Post};
    use bellhop_core::{Card, PortErrorKind};
    use bellhop_http::Limits;

    async fn behind(world: &WireWorld) -> (FaultProxy, WireChat) {
        let upstream = world.url().trim_start_matches("http://").parse().unwrap();
        let proxy = FaultProxy::start(upstream).await.unwrap();
        let limits = Limits { total: Duration::from_millis(300), ..Limits::default() };
        let chat = WireChat::new("wire", &proxy.url(), Lookup::ByKey, limits).unwrap();
        (proxy, chat)
    }

    fn post(world: &WireWorld, key: &str) -> Post {
        Post {
            key: key.into(),
            to: world.address("wire", "C1"),
            card: Card::text("x"),
            audience: Audience::Everyone,
            answers: None,
            reply: None,
        }
    }

    #[tokio::test]
    async fn each_fault_shows_as_itself() {
        let world = WireWorld::start(Settings::new(Lookup::ByKey)).await.unwrap();
        for (name, fault, kind, maybe_done, copies) in [
            ("hole", Fault::BlackHole, PortErrorKind::TimedOut, true, 0),
            ("half", Fault::HalfOpen, PortErrorKind::TimedOut, true, 1),
            ("reset", Fault::ResetAfter(100), PortErrorKind::Unavailable, true, 0),
            ("down", Fault::Down, PortErrorKind::Unavailable, true, 0),
            ("late", Fault::Latency(Duration::from_secs(1)), PortErrorKind::TimedOut, true, 0),
        ] {
            let (proxy, chat) = behind(&world).await;
            chat.deliver(&post(&world, &format!("{name} before"))).await.unwrap();
            proxy.set(fault);
            let error = chat.deliver(&post(&world, name)).await.unwrap_err();
            // A connection that is refused from the start is known not to have carried anything.
            let known = fault == Fault::Down && !error.maybe_done;
            assert!(error.kind == kind && (error.maybe_done == maybe_done || known), "{name}: {error:?}");
            assert_eq!(world.ledger().await.unwrap().copies_of(name), copies, "{name}");
            proxy.set(Fault::None);
            chat.deliver(&post(&world, &format!("{name} after"))).await.unwrap();
            assert!(proxy.connections() >= 1);
        }
    }

    #[tokio::test]
    async fn a_short_delay_is_just_that_and_a_cut_is_felt() {
        let world = WireWorld::start(Settings::new(Lookup::ByKey)).await.unwrap();
        let (proxy, chat) = behind(&world).await;
        proxy.set(Fault::Latency(Duration::from_millis(20)));
        chat.deliver(&post(&world, "late")).await.unwrap();
        assert_eq!(proxy.connections(), 1);
        proxy.cut();
        crate::wait::until(Duration::from_secs(5), "a new connection after the cut", || async {
            let _ = chat.deliver(&post(&world, "again")).await;
            (proxy.connections() > 1).then_some(())
        })
        .await;
    }
}

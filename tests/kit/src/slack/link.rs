//! Connections that the world can break from inside. One that asks for a socket is handed over before any HTTP server sees it,
//! so that the world holds the bare connection: it can stop reading, or end without a word.

use super::server::World;
use super::socket;
use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use futures::task::AtomicWaker;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Breaks one connection.
#[derive(Clone, Default)]
pub(super) struct Cut(Arc<Inner>);

#[derive(Default)]
struct Inner {
    cut: AtomicBool,
    waker: AtomicWaker,
}

impl Cut {
    /// Breaks it: the client sees a reset.
    pub(super) fn now(&self) {
        self.0.cut.store(true, Ordering::SeqCst);
        self.0.waker.wake();
    }
}

pub(super) struct Connections {
    address: SocketAddr,
    accepted: mpsc::UnboundedReceiver<(TcpStream, SocketAddr)>,
}

impl Connections {
    pub(super) fn new(listener: TcpListener, world: World) -> Self {
        let address = listener.local_addr().unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 0)));
        let (send, accepted) = mpsc::unbounded_channel();
        let spawner = world.clone();
        spawner.spawn(async move {
            loop {
                let Ok((stream, from)) = listener.accept().await else { continue };
                let (world, send) = (world.clone(), send.clone());
                world.clone().spawn(async move {
                    let _ = stream.set_nodelay(true);
                    if asks_for_a_socket(&stream).await {
                        socket::serve(&world, stream).await;
                    } else {
                        let _ = send.send((stream, from));
                    }
                });
            }
        });
        Self { address, accepted }
    }
}

/// Looks at the first bytes without taking them.
async fn asks_for_a_socket(stream: &TcpStream) -> bool {
    const START: &[u8] = b"GET /link";
    let mut seen = [0; START.len()];
    let look = async {
        loop {
            match stream.peek(&mut seen).await {
                Ok(0) | Err(_) => return false,
                Ok(count) if seen[..count] != START[..count] => return false,
                Ok(count) if count == START.len() => return true,
                Ok(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), look).await.unwrap_or(false)
}

pub(super) struct Connection {
    stream: TcpStream,
    cut: Cut,
}

impl Connection {
    fn check(&self, context: &Context<'_>) -> io::Result<()> {
        self.cut.0.waker.register(context.waker());
        if self.cut.0.cut.load(Ordering::SeqCst) {
            // What is still unsent is thrown away, and the client is told by a reset.
            let _ = self.stream.set_zero_linger();
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl Listener for Connections {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        match self.accepted.recv().await {
            Some((stream, from)) => (Connection { stream, cut: Cut::default() }, from),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl Connected<IncomingStream<'_, Connections>> for Cut {
    fn connect_info(stream: IncomingStream<'_, Connections>) -> Self {
        stream.io().cut.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

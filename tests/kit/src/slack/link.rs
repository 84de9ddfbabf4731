//! Connections of the world. One that asks for a socket is handed over before any HTTP server sees it, so that the world holds the
//! bare connection: it can stop reading, or end without a word.

use super::server::World;
use super::socket;
use crate::cut::Connections;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// Takes connections, and hands those that ask for a socket to it.
pub(super) fn connections(listener: TcpListener, world: World) -> Connections {
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
    Connections::new(address, accepted)
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

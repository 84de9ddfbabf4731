//! The world of `bellhop_kit::wire` as a program of its own, so that it outlives what is killed beside it. Prints its
//! address on a line of its own and serves until it is ended.

use bellhop_core::capabilities::Lookup;
use bellhop_kit::wire::{Settings, serve};
use std::io::Write as _;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lookup = match std::env::args().nth(1).as_deref() {
        None | Some("by-key") => Lookup::ByKey,
        Some("idempotent") => Lookup::Idempotent,
        Some("none") => Lookup::None,
        Some(other) => return Err(format!("`{other}` is no look-up; write by-key, idempotent or none").into()),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "listening on http://{}", listener.local_addr()?)?;
    serve(listener, Settings::new(lookup)).await?;
    Ok(())
}

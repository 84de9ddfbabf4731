//! The program: the TLS provider, the command line, and the exit code.

use bellhop::cli::Cli;
use clap::Parser as _;
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Two providers are linked; the first handshake panics unless one is chosen before it.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(why) => return failed(&why.to_string()),
    };
    match runtime.block_on(bellhop::program::run(cli, &mut std::io::stdout())) {
        Ok(code) => code,
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "bellhop: {why}");
    ExitCode::FAILURE
}

//! Chromium without a window, for tests of pages. A test is a *tour*: a JavaScript module that does what a person does,
//! step by step, through `playwright-core`; `browser/run.mjs` of this crate runs it and says how far it came.
//!
//! A tour fails on the first step that fails, and also when the page reports a script error or loads anything from
//! another server than the one it came from.

use crate::process::run;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// Runs a tour and returns the names of the steps that were done.
///
/// `script` is a module whose default export is an async function of `{ page, context, browser, args, step, see, shot }`:
/// `args` is what is given here (`args.elsewhere` names hosts that a foreign page may try to load from, and doesn't reach); `await step(name, action)` does a step; `await see(text)` waits until a reader can see it;
/// `await shot(name)` takes a picture into `out`, where downloads and the picture of a failure go too.
///
/// # Errors
/// A peer is missing (the message says how to get it), or the tour failed: which step, why, and what the page's console
/// said.
pub async fn tour(script: &Path, args: &Value, out: &Path, limit: Duration) -> Result<Vec<String>, String> {
    let node = super::program("node", "Node.js")?;
    let chromium = super::program("chromium", "Chromium")?;
    let modules = modules()?;
    std::fs::create_dir_all(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let mut command = Command::new(node);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/run.mjs")).arg(script);
    let order = serde_json::json!({ "modules": modules, "chromium": chromium, "out": out, "args": args });
    let ran = run(&mut command, order.to_string().as_bytes(), limit).await?;
    let steps = ran.out.lines().filter_map(|line| line.strip_prefix("done ")).map(str::to_owned).collect();
    if ran.code == 0 { Ok(steps) } else { Err(format!("the tour {} failed\n{}{}", script.display(), ran.out, ran.err)) }
}

/// Where the browser's driver is, among the peers.
fn modules() -> Result<PathBuf, String> {
    let folder = super::folder()?.join("node_modules");
    if folder.join("playwright-core/package.json").is_file() {
        Ok(folder)
    } else {
        Err(super::missing("playwright-core", &format!("the browser's driver in {}", folder.display())))
    }
}

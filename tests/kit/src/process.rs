//! Programs that tests start: told apart from each other by their process id, waited for by a line of their output,
//! ended when the test ends. Nothing is ever ended by name.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// How many lines of output are kept for messages.
const KEPT: usize = 2000;

/// A port of loopback that was free a moment ago. Only for programs that can't choose one themselves and say which.
///
/// # Errors
/// None can be had.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A running program and what it has printed. Dropping it ends it and whatever it started in its process group.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    pid: u32,
    output: Arc<Output>,
    changed: watch::Receiver<u64>,
}

#[derive(Debug, Default)]
struct Output {
    lines: Mutex<VecDeque<String>>,
}

impl Output {
    fn lines(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Program {
    /// Starts a program. Its standard output and its errors are read into one list of lines.
    ///
    /// # Errors
    /// It can't be started; the message names it.
    pub fn start(command: &mut Command) -> Result<Self, String> {
        let name = Path::new(command.as_std().get_program()).file_name().unwrap_or(OsStr::new("?")).to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("{name} can't be started: {error}"))?;
        let pid = child.id().ok_or_else(|| format!("{name} ended before it began"))?;
        let output = Arc::new(Output::default());
        let (change, changed) = watch::channel(0);
        let change = Arc::new(change);
        let tasks = TaskTracker::new();
        if let Some(out) = child.stdout.take() {
            tasks.spawn(collect(out, output.clone(), change.clone()));
        }
        if let Some(err) = child.stderr.take() {
            tasks.spawn(collect(err, output.clone(), change));
        }
        Ok(Self { name, child, pid, output, changed })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// What it has printed, the last lines of it.
    #[must_use]
    pub fn output(&self) -> String {
        self.output.lines().iter().fold(String::new(), |all, line| all + line + "\n")
    }

    /// Waits for a line with this text in it, printed since the start or still to come.
    ///
    /// # Errors
    /// It didn't come in time or the program ended; the message has what it printed.
    pub async fn line(&mut self, text: &str, limit: Duration) -> Result<String, String> {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            self.changed.mark_unchanged();
            if let Some(line) = self.output.lines().iter().find(|line| line.contains(text)) {
                return Ok(line.clone());
            }
            match tokio::time::timeout_at(deadline, self.changed.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) if self.output.lines().iter().any(|line| line.contains(text)) => {}
                Ok(Err(_)) => return Err(format!("{} ended without printing {text:?}; it printed:\n{}", self.name, self.output())),
                Err(_) => {
                    return Err(format!("waited {limit:?} in vain for {} to print {text:?}; it printed:\n{}", self.name, self.output()));
                }
            }
        }
    }

    /// Ends it as a power cut would (SIGKILL), and waits until it is gone.
    ///
    /// # Errors
    /// It can't be waited for.
    pub async fn kill(&mut self) -> io::Result<ExitStatus> {
        self.child.start_kill()?;
        self.child.wait().await
    }

    /// Asks it to end (SIGTERM), and waits until it is gone.
    ///
    /// # Errors
    /// It is not gone within `limit`.
    pub async fn terminate(&mut self, limit: Duration) -> Result<ExitStatus, String> {
        self.signal("TERM").await?;
        self.wait(limit).await
    }

    /// Sends it a signal by its name (`TERM`, `STOP`, `CONT`).
    ///
    /// # Errors
    /// It is gone already.
    pub async fn signal(&self, signal: &str) -> Result<(), String> {
        let sent = Command::new("kill")
            .arg(format!("-{signal}"))
            .arg(self.pid.to_string())
            .output()
            .await
            .map_err(|error| format!("kill can't be started: {error}"))?;
        if sent.status.success() {
            Ok(())
        } else {
            Err(format!("{} ({}) takes no {signal}: {}", self.name, self.pid, String::from_utf8_lossy(&sent.stderr).trim()))
        }
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// It doesn't within `limit`; the message has what it printed.
    pub async fn wait(&mut self, limit: Duration) -> Result<ExitStatus, String> {
        match tokio::time::timeout(limit, self.child.wait()).await {
            Ok(status) => status.map_err(|error| format!("{} can't be waited for: {error}", self.name)),
            Err(_) => Err(format!("waited {limit:?} in vain for {} to end; it printed:\n{}", self.name, self.output())),
        }
    }

    /// True while it runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.runs() {
            // Its own children are in its process group, which has its id.
            let _ = std::process::Command::new("kill")
                .arg("-KILL")
                .arg("--")
                .arg(format!("-{}", self.pid))
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}

async fn collect(from: impl AsyncRead + Unpin, output: Arc<Output>, change: Arc<watch::Sender<u64>>) {
    let mut reader = BufReader::new(from);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).await.is_ok_and(|count| count > 0) {
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        {
            let mut lines = output.lines();
            if lines.len() == KEPT {
                lines.pop_front();
            }
            lines.push_back(text);
        }
        change.send_modify(|count| *count += 1);
        line.clear();
    }
}

/// What a program that ran to its end left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its exit code; -1 when a signal ended it.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its errors.
    pub err: String,
}

/// Runs a program to its end with this on its standard input.
///
/// # Errors
/// It can't be started, or doesn't end within `limit`.
pub async fn run(command: &mut Command, input: &[u8], limit: Duration) -> Result<Ran, String> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{name} can't be started: {error}"))?;
    let stdin = child.stdin.take();
    let write = async {
        if let Some(mut stdin) = stdin {
            // A program that doesn't read its input is no failure of it.
            let _ = stdin.write_all(input).await;
        }
    };
    let whole = async { futures::join!(write, child.wait_with_output()).1 };
    let output = tokio::time::timeout(limit, whole).await.map_err(|_| format!("waited {limit:?} in vain for {name} to end"))?;
    let output = output.map_err(|error| format!("{name} can't be waited for: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ran { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;

    const LIMIT: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script);
        command
    }

    #[tokio::test]
    async fn a_line_is_waited_for() {
        let mut program = Program::start(&mut shell("echo begins; echo ready on port 7 >&2; exec cat /dev/zero > /dev/null")).unwrap();
        assert_eq!(program.line("ready", LIMIT).await.unwrap(), "ready on port 7");
        assert!(program.runs());
        let why = program.line("never", Duration::from_millis(50)).await.unwrap_err();
        assert!(why.contains("in vain for sh to print \"never\"") && why.contains("begins"), "{why}");
        assert_eq!(program.kill().await.unwrap().signal(), Some(9));
    }

    #[tokio::test]
    async fn one_that_ends_is_reported_with_its_words() {
        let mut program = Program::start(&mut shell("echo the port is taken; exit 3")).unwrap();
        let why = program.line("ready", LIMIT).await.unwrap_err();
        assert!(why.contains("ended without") && why.contains("the port is taken"), "{why}");
        assert_eq!(program.wait(LIMIT).await.unwrap().code(), Some(3));
        assert!(Program::start(&mut Command::new("no-such-program-0")).unwrap_err().contains("no-such-program-0 can't be started"));
    }

    #[tokio::test]
    async fn it_can_be_asked_to_end() {
        let mut program = Program::start(&mut shell("trap 'kill $!; echo bye; exit 0' TERM; sleep 1000 & echo ready; wait")).unwrap();
        program.line("ready", LIMIT).await.unwrap();
        assert!(program.terminate(LIMIT).await.unwrap().success());
        program.line("bye", LIMIT).await.unwrap();
    }

    #[tokio::test]
    async fn dropped_it_ends_with_its_children() {
        let mut program = Program::start(&mut shell("sleep 1000 & echo child $!; wait")).unwrap();
        let line = program.line("child", LIMIT).await.unwrap();
        let proc = format!("/proc/{}/stat", line.trim_start_matches("child "));
        assert!(Path::new(&proc).exists());
        drop(program);
        crate::wait::until(LIMIT, "the end of the child", || async {
            // Gone, or dead and waiting for whoever inherits it.
            std::fs::read_to_string(&proc).map_or(Some(()), |stat| stat.contains(") Z ").then_some(()))
        })
        .await;
    }

    #[tokio::test]
    async fn one_can_be_run_to_its_end() {
        let ran = run(&mut shell("cat; echo oops >&2; exit 2"), b"input", LIMIT).await.unwrap();
        assert_eq!(ran, Ran { code: 2, out: "input".into(), err: "oops\n".into() });
        assert!(run(&mut shell("exec sleep 1000"), b"", Duration::from_millis(50)).await.unwrap_err().contains("in vain"));
        assert!(free_port().unwrap() > 0);
    }
}

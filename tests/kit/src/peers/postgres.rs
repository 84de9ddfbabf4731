//! A real PostgreSQL server in a folder of its own, shared by the tests of one process, and a fresh database for each.
//!
//! It listens on a socket in that folder only, so that no port is needed and nobody else reaches it. PostgreSQL refuses
//! to run as root: then it runs as the user `postgres`, or `nobody`. It keeps nothing safe (`fsync` is off): what
//! survives a power cut is not tested with it.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// How often the keeper asks, every 50 ms, whether the server is ready: for a minute.
const TRIES: &str = "1200";

/// What is said where the server isn't installed.
const MISSING: &str =
    "this test needs PostgreSQL, and its programs were found neither on PATH nor in /usr/lib/postgresql/*/bin: apt-get install postgresql";

/// The process that starts the server, waits until its own standard input ends, stops the server by its process id and
/// removes the folder: so the server ends with the test process, however that ends.
const KEEPER: &str = r#"
"$1/initdb" -D "$2/data" -U bellhop -A trust -E UTF8 --locale=C --no-sync >"$2/log" 2>&1 || { echo failed; cat >/dev/null; rm -rf "$2"; exit 1; }
"$1/postgres" -D "$2/data" -k "$2" -c listen_addresses= -c fsync=off -c max_connections=200 -c log_min_messages=fatal >>"$2/log" 2>&1 &
server=$!
tries=0
while ! "$1/pg_isready" -q -h "$2" -U bellhop -d postgres; do
  tries=$((tries + 1))
  if [ "$tries" -gt "$3" ] || ! kill -0 "$server" 2>/dev/null; then
    echo failed; cat >/dev/null; kill -INT "$server" 2>/dev/null; wait "$server"; rm -rf "$2"; exit 1
  fi
  sleep 0.05
done
echo ready
cat >/dev/null
kill -INT "$server"
wait "$server"
rm -rf "$2"
"#;

/// The server.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    databases: AtomicU64,
    keeper: Child,
    // The keeper stops the server when this is closed: by the drop, or by the end of the process.
    leash: Option<ChildStdin>,
}

impl Postgres {
    /// The server of this test process; started when it is first asked for, stopped when the process ends.
    ///
    /// # Panics
    /// When PostgreSQL isn't installed or doesn't start, saying what to do.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        #[expect(clippy::panic, reason = "a test that lacks its peer fails and says how to get it")]
        SHARED.get_or_init(|| Self::start().unwrap_or_else(|why| panic!("{why}")))
    }

    /// Starts a server of its own, for tests that stop it; dropping it ends it.
    ///
    /// # Errors
    /// Why there is none, and how to get one.
    pub fn start() -> Result<Self, String> {
        let programs = programs().ok_or(MISSING)?;
        let folder = tempfile::Builder::new().prefix("pg").tempdir().map_err(|error| format!("no folder for PostgreSQL: {error}"))?.keep();
        let mut command = match unprivileged()? {
            None => Command::new("sh"),
            Some((user, uid, gid)) => {
                std::os::unix::fs::chown(&folder, Some(uid), Some(gid))
                    .map_err(|error| format!("the folder for PostgreSQL can't be given to {user}: {error}"))?;
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned(), "sh".to_owned()]);
                command
            }
        };
        command
            .args(["-c", KEEPER, "keeper"])
            .args([programs.as_os_str(), folder.as_os_str(), TRIES.as_ref()])
            .current_dir(&folder)
            .env("TZ", "UTC");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut keeper = command.spawn().map_err(|error| format!("PostgreSQL can't be started: {error}"))?;
        let (leash, said) = (keeper.stdin.take(), keeper.stdout.take());
        let mut server = Self { programs, folder, databases: AtomicU64::new(0), keeper, leash };
        let word = said.map(|mut said| first_word(&mut said)).unwrap_or_default();
        if word == "ready" {
            return Ok(server);
        }
        let log = std::fs::read_to_string(server.folder.join("log")).unwrap_or_default();
        server.stop();
        Err(format!("PostgreSQL did not start:\n{log}"))
    }

    /// Makes an empty database and returns its address.
    ///
    /// # Panics
    /// When it can't be made.
    pub fn fresh_database(&self) -> String {
        let name = format!("t{}", self.databases.fetch_add(1, Ordering::SeqCst));
        let made = Command::new(self.programs.join("createdb")).arg("-h").arg(&self.folder).args(["-U", "bellhop", "-w", &name]).output();
        #[expect(clippy::panic, reason = "this is how a test fails")]
        match made {
            Ok(output) if output.status.success() => self.address(&name),
            Ok(output) => panic!("createdb failed: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => panic!("createdb can't be started: {error}"),
        }
    }

    /// The address of a database of this server.
    #[must_use]
    pub fn address(&self, name: &str) -> String {
        let folder = self.folder.display().to_string().replace('/', "%2F");
        format!("postgres://bellhop@localhost/{name}?host={folder}")
    }

    /// Stops the server and waits until it has ended.
    pub fn stop(&mut self) {
        drop(self.leash.take());
        // A keeper that was ended from outside has nothing left to wait for.
        let _ = self.keeper.wait();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The first line that the keeper prints; it prints one in any case, within its time.
fn first_word(said: &mut impl std::io::Read) -> String {
    let word = std::io::BufReader::new(said).bytes().map_while(Result::ok).take_while(|byte| *byte != b'\n').collect::<Vec<_>>();
    String::from_utf8_lossy(&word).into_owned()
}

/// The folder of the server's programs: the newest one.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // What stands on PATH may be a link into the folder that has all of them.
    let linked = std::env::split_paths(&path).map(|folder| folder.join("initdb")).filter_map(|program| program.canonicalize().ok());
    let mut versions =
        std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path()).collect::<Vec<_>>();
    versions.sort_by_key(|folder| folder.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    let installed = versions.into_iter().rev().map(|folder| folder.join("bin/initdb"));
    let complete = |folder: &PathBuf| ["initdb", "postgres", "createdb", "pg_isready"].iter().all(|program| folder.join(program).exists());
    linked.chain(installed).filter_map(|program| program.parent().map(Path::to_owned)).find(complete)
}

/// The user to run as: `None` for the one that runs the tests.
fn unprivileged() -> Result<Option<(String, u32, u32)>, String> {
    let me = std::fs::metadata("/proc/self").map_or(1, |own| std::os::unix::fs::MetadataExt::uid(&own));
    if me != 0 {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd can't be read: {error}"))?;
    let find = |wanted: &str| {
        users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let (name, _, uid, gid) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
            (name == wanted).then(|| Some((name.to_owned(), uid.parse().ok()?, gid.parse().ok()?)))?
        })
    };
    find("postgres")
        .or_else(|| find("nobody"))
        .map(Some)
        .ok_or_else(|| "PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` to run it as".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_starts_gives_databases_and_leaves_nothing_behind() {
        let mut server = Postgres::start().unwrap();
        let (first, second) = (server.fresh_database(), server.fresh_database());
        assert_ne!(first, second);
        let folder = server.folder.clone();
        assert!(folder.join("data").exists());
        server.stop();
        assert!(!folder.exists(), "the server's folder is still there");
    }
}

//! Ceph's S3 gateway (radosgw) on a cluster of one node that keeps everything in memory. Among the S3 peers its semantics are
//! the truest: signatures and links are checked, versions and delete markers are real, keys of customers encrypt, and
//! lifecycle rules run, here with a day of two seconds. It is an old one: it knows no CRC checksums, no `If-None-Match`,
//! no public-access block with effect on what is read, and no wildcards for what it refuses.
//!
//! Three programs stand behind it, each ended by its own process id: a monitor, a store of objects, and the gateway.

use super::program;
use super::s3::{ACCESS_KEY, S3Server, SECRET_KEY};
use crate::process::{Program, free_port, run};
use bellhop_http::{Client, Limits};
use std::path::Path;
use std::time::Duration;
use tokio::process::Command;

/// How long each step of starting may take.
const LIMIT: Duration = Duration::from_mins(1);
/// The configuration's file, in the folder in which each program runs.
const CONFIG: &str = "ceph.conf";
/// How often the store of objects is started at most.
const STARTS: u32 = 5;
/// What a missing program belongs to.
const WHAT: &str = "radosgw, Ceph's S3 gateway";
/// The seconds that a day of a lifecycle rule takes.
pub const DAY: Duration = Duration::from_secs(2);

impl S3Server {
    /// Starts radosgw without any buckets, in some two seconds; its one user has the credential of the other S3 peers.
    ///
    /// # Errors
    /// It is not installed, or doesn't start.
    pub async fn rados() -> Result<Self, String> {
        crate::install_tls();
        let folder = tempfile::Builder::new().prefix("rgw").tempdir().map_err(|error| format!("no folder for radosgw: {error}"))?;
        let port = || free_port().map_err(|error| format!("no port for radosgw: {error}"));
        let (monitor_at, gateway_at) = (format!("[v1:127.0.0.1:{}/0]", port()?), port()?);
        let (cluster, disk) = (uuid(1), uuid(2));
        configure(folder.path(), &monitor_at, gateway_at, &cluster)?;
        let command = |name: &str, words: &[&str]| -> Result<Command, String> {
            let mut command = Command::new(program(name, WHAT)?);
            command.current_dir(folder.path()).args(words);
            Ok(command)
        };
        ended(command("monmaptool", &["--create", "--fsid", &cluster, "--addv", "a", &monitor_at, "monmap"])?).await?;
        ended(command("ceph-mon", &["-c", CONFIG, "-i", "a", "--mkfs", "--monmap", "monmap"])?).await?;
        let monitor = Program::start(&mut command("ceph-mon", &["-c", CONFIG, "-i", "a", "-f"])?)?;
        ended(command("ceph", &["-c", CONFIG, "--connect-timeout", "60", "osd", "new", &disk])?).await?;
        ended(command("ceph-osd", &["-c", CONFIG, "-i", "0", "--mkfs", "--osd-uuid", &disk])?).await?;
        let mut objects = Program::start(&mut command("ceph-osd", &["-c", CONFIG, "-i", "0", "-f"])?)?;
        for _ in 0..STARTS {
            let up = || {
                let said = std::fs::read_to_string(folder.path().join("osd.0.log")).unwrap_or_default();
                std::future::ready((said.contains("booting -> active") || !objects.runs()).then_some(()))
            };
            crate::wait::within(LIMIT, "ceph-osd to be active", up).await.map_err(|why| format!("{why}\n{}", last_words(folder.path())))?;
            if objects.runs() {
                break;
            }
            // It gives up when it speaks to the monitor before it knows whose that is (`wrong fsid`), which is a matter of luck.
            objects = Program::start(&mut command("ceph-osd", &["-c", CONFIG, "-i", "0", "-f"])?)?;
        }
        let gateway = Program::start(&mut command("radosgw", &["-c", CONFIG, "-n", "client.rgw", "-f"])?)?;

        let url = format!("http://127.0.0.1:{gateway_at}");
        let client = Client::new("radosgw", Limits::default()).map_err(|error| error.to_string())?;
        let ready = || async { client.get("ready", "/", &format!("{url}/")).send().await.ok() };
        crate::wait::within(LIMIT, "radosgw to answer", ready).await.map_err(|why| format!("{why}\n{}", last_words(folder.path())))?;
        let user = ["-c", CONFIG, "-n", "client.rgw", "user", "create", "--uid", "bellhop", "--display-name", "Bellhop"];
        let mut user = command("radosgw-admin", &user)?;
        user.args(["--access-key", ACCESS_KEY, "--secret-key", SECRET_KEY]);
        ended(user).await?;
        Ok(Self::of(gateway, vec![objects, monitor], url, folder))
    }
}

/// The ends of what the three programs noted.
fn last_words(folder: &Path) -> String {
    let mut words = String::new();
    for name in ["mon.a.log", "osd.0.log", "client.rgw.log"] {
        let text = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().rev().take(8).collect();
        words.extend([name, ":\n"].into_iter().chain(lines.into_iter().rev().flat_map(|line| [line, "\n"])));
    }
    words
}

/// A name for what lives as long as the folder: the number only has to look like one.
fn uuid(number: u32) -> String {
    format!("{number:08x}-0000-4000-8000-000000000000")
}

async fn ended(mut command: Command) -> Result<(), String> {
    let name = command.as_std().get_program().to_string_lossy().into_owned();
    let ran = run(&mut command, b"", LIMIT).await?;
    if ran.code == 0 { Ok(()) } else { Err(format!("{name} ended with {}: {}{}", ran.code, ran.out, ran.err)) }
}

/// The configuration. Nobody but these programs knows the ports, so that they don't identify themselves to each other; with
/// the short intervals the pools are there at once. The folder is each program's working folder, which keeps the paths of
/// sockets as short as the system wants them.
fn configure(folder: &Path, monitor: &str, gateway: u16, cluster: &str) -> Result<(), String> {
    let day = DAY.as_secs();
    let text = format!(
        "[global]
fsid = {cluster}
mon host = {monitor}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
ms bind msgr2 = false
auth cluster required = none
auth service required = none
auth client required = none
run dir = .
crash dir = .
admin socket =
pid file =
log file = ./$name.log
log to stderr = false
err to stderr = false
mon cluster log file = ./cluster.log
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd crush chooseleaf type = 0
mon max pg per osd = 1000
osd objectstore = memstore
memstore device bytes = 2147483648
[mon]
mon data = ./mon
mon initial members = a
mon allow pool size one = true
mon warn on pool no redundancy = false
paxos propose interval = 0.02
mon tick interval = 1
[osd]
osd data = ./osd
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:{gateway}
rgw lc debug interval = {day}
rgw crypt require ssl = false
objecter tick interval = 0.2
ms mon client mode = crc
"
    );
    let file = folder.join(CONFIG);
    std::fs::write(&file, text).map_err(|error| format!("{}: {error}", file.display()))?;
    for name in ["mon", "osd"] {
        std::fs::create_dir(folder.join(name)).map_err(|error| format!("no folder for radosgw: {error}"))?;
    }
    Ok(())
}

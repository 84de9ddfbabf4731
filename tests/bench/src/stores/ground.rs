//! Where the stores are measured: the servers, a bot's configuration that knows them, and rclone's environment that does.

use crate::Failure;
use crate::site::Site;
use bellhop_kit::peers::azurite::{ACCOUNT, Azurite, KEY};
use bellhop_kit::peers::s3::{ACCESS_KEY, REGION, S3Server, SECRET_KEY};
use serde_json::json;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// The bucket of each server.
pub(super) const BUCKET: &str = "bench";

/// The servers and who speaks to them.
pub(super) struct Ground {
    pub site: Site,
    /// The source, and where large files go.
    pub s3: S3Server,
    /// Another server of the same make, to copy to.
    pub other: S3Server,
    _azure: Azurite,
    _rados: Option<S3Server>,
    this: PathBuf,
    program: PathBuf,
    rclone: PathBuf,
    environment: Vec<(String, String)>,
}

impl Ground {
    /// With radosgw beside the other servers where it is wanted.
    pub async fn new(this: &Path, program: &Path, with_rados: bool) -> Result<Self, Failure> {
        let rclone = bellhop_kit::peers::program("rclone", "rclone").map_err(|_| {
            "rclone, which the stores are compared with, is not on this machine: `apt-get install rclone` gives it".to_owned()
        })?;
        let (s3, other, azure) = (S3Server::s3s().await?, S3Server::s3s().await?, Azurite::start().await?);
        let rados = if with_rados { Some(S3Server::rados().await?) } else { None };
        if let Some(rados) = &rados {
            rados.boto("s3.create_bucket(Bucket=args)", &json!(BUCKET)).await?;
        }
        let sas = azure.python(AZURE, &json!({ "container": BUCKET, "account": ACCOUNT, "key": KEY })).await?;
        let sas = sas.as_str().ok_or("no link to Azurite's account could be made")?.to_owned();
        let mut config = String::new();
        let mut environment = vec![("RCLONE_CONFIG".to_owned(), "/dev/null".to_owned())];
        let mut remote = |name: &str, key: &str, value: &str| {
            environment.push((format!("RCLONE_CONFIG_{}_{key}", name.to_uppercase()), value.to_owned()));
        };
        for server in [&s3, &other] {
            std::fs::create_dir(server.folder().join(BUCKET)).map_err(|error| format!("no bucket can be made: {error}"))?;
        }
        let servers = [("s3", &s3), ("other", &other)].into_iter().chain(rados.iter().map(|rados| ("rados", rados)));
        for (name, server) in servers {
            let _ = write!(
                config,
                "\n[files.{name}]\nkind = \"s3\"\nbucket = \"{BUCKET}\"\nendpoint = \"{}\"\n\
                 access_key_id = \"{ACCESS_KEY}\"\nsecret_access_key = \"{SECRET_KEY}\"\n",
                server.url()
            );
            for (key, value) in [
                ("TYPE", "s3"),
                ("PROVIDER", "Other"),
                ("ENDPOINT", server.url()),
                ("REGION", REGION),
                ("ACCESS_KEY_ID", ACCESS_KEY),
                ("SECRET_ACCESS_KEY", SECRET_KEY),
            ] {
                remote(name, key, value);
            }
        }
        let _ = write!(
            config,
            "\n[files.azure]\nkind = \"azure\"\ncontainer = \"{BUCKET}\"\naccount = \"{ACCOUNT}\"\nendpoint = \"{}\"\naccount_key = \"{KEY}\"\n",
            azure.endpoint()
        );
        for (key, value) in [("TYPE", "azureblob"), ("SAS_URL", &sas)] {
            remote("azure", key, value);
        }
        config += "\n[files.folder]\nkind = \"local\"\npath = \"folder\"\n";
        let site = Site::with(&config)?;
        let (this, program) = (this.to_owned(), program.to_owned());
        Ok(Self { site, s3, other, _azure: azure, _rados: rados, this, program, rclone, environment })
    }

    /// A path in the site's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.site.path().join(name)
    }

    /// rclone with these words.
    pub fn rclone(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.rclone);
        command.args(words).envs(self.environment.iter().map(|(name, value)| (name, value)));
        // rclone doesn't start with this one, which says what to trust beside what everything else does.
        command.env_remove("AWS_CA_BUNDLE");
        command
    }

    /// The bot with a command as people give it, files that go with it, and a folder for those that come back.
    pub fn say(&self, words: &[&str], with: Option<&Path>, out: Option<&Path>) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(self.site.config()).arg("say");
        for (option, path) in [("--file", with), ("--out", out)] {
            if let Some(path) = path {
                command.arg(option).arg(path);
            }
        }
        command.arg("--").args(words);
        command
    }

    /// The bot, running.
    pub fn bot(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--config").arg(self.site.config());
        command
    }

    /// The store alone.
    pub fn alone(&self, store: &str, way: &str, path: &Path, file: &str) -> Command {
        let mut command = Command::new(&self.this);
        command.arg("store").arg("--config").arg(self.site.config()).args(["--name", store, way]).arg(path).arg(file);
        command
    }
}

/// A container, and the account's address with a signature, which is what rclone takes for a server that isn't Microsoft's.
const AZURE: &str = "
service.create_container(args['container'])
sas = generate_account_sas(args['account'], args['key'], ResourceTypes(service=True, container=True, object=True),
    AccountSasPermissions(read=True, write=True, delete=True, list=True, add=True, create=True), datetime.now(timezone.utc) + timedelta(hours=12))
result = service.url.rstrip('/') + '?' + sas";

/// Removes a folder's files from an S3 server's bucket, past the server.
pub(super) fn clear(server: &S3Server, prefix: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| format!("a bucket can't be cleared: {error}");
    let bucket = server.folder().join(BUCKET).join(prefix);
    if bucket.is_dir() {
        std::fs::remove_dir_all(bucket).map_err(failed)?;
    }
    // What it keeps about files, and parts of uploads, stands beside the buckets.
    for entry in std::fs::read_dir(server.folder()).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_file() {
            std::fs::remove_file(path).map_err(failed)?;
        }
    }
    Ok(())
}

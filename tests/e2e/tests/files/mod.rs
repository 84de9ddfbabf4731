//! Files and buckets on real peers: what people ask for in the chat and in the terminal, and what other clients then see.
//!
//! moto (`s3`) has versions, lifecycle and encryption and believes every signature; s3s-fs (`strict`) has none of those and
//! checks signatures and checksums; Azurite (`azure`) checks keys and signed links. The folder (`local`) is looked at as
//! the folder that it is.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test harness fails the test")]

mod backups;
mod bad_input;
mod browse;
mod buckets;
mod faults;
mod folders;
mod kills;
mod links;
mod names;
mod prefixes;
mod sealed;
mod verbs;
mod ways;

use bellhop_e2e::Bot;
use bellhop_e2e::eyes::{Eyes, pattern};
use bellhop_kit::faults::FaultProxy;
use bellhop_kit::peers::azurite::{ACCOUNT, Azurite, KEY};
use bellhop_kit::peers::s3::{ACCESS_KEY, REGION, S3Server, SECRET_KEY};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::path::PathBuf;

/// A store of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Local,
    S3,
    Strict,
    Azure,
}

/// All of them.
pub const ALL: [Kind; 4] = [Kind::Local, Kind::S3, Kind::Strict, Kind::Azure];

impl Kind {
    /// Its name in the configuration, and in the other client.
    pub fn store(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::S3 => "s3",
            Self::Strict => "strict",
            Self::Azure => "azure",
        }
    }

    /// Its bucket, or container.
    pub fn bucket(self) -> String {
        format!("team-{}", self.store())
    }

    pub fn versioned(self) -> bool {
        matches!(self, Self::Local | Self::S3)
    }

    /// What stands before every name in the bucket.
    fn prefix(self) -> &'static str {
        if self == Self::Strict { "bell hop/" } else { "" }
    }
}

/// What another client sees of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub sha256: String,
    pub content_type: String,
}

impl Seen {
    pub fn of(bytes: &[u8], content_type: &str) -> Self {
        Self { sha256: sum(bytes), content_type: content_type.to_owned() }
    }
}

pub fn sum(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A bot with all stores side by side, the servers behind them, and the other clients.
pub struct House {
    pub bot: Bot,
    roads: [FaultProxy; 3],
    _servers: (S3Server, S3Server, Azurite),
    amazon: Eyes,
    microsoft: Eyes,
}

/// A section for a bucket on a server that speaks S3's protocol.
pub fn s3_section(name: &str, bucket: &str, endpoint: &str, more: &str) -> String {
    format!(
        "[files.{name}]\nkind = \"s3\"\nbucket = \"{bucket}\"\nregion = \"{REGION}\"\nendpoint = \"{endpoint}\"\n\
         access_key_id = \"{ACCESS_KEY}\"\nsecret_access_key = \"{SECRET_KEY}\"\n{more}"
    )
}

/// A section for a container.
pub fn azure_section(name: &str, container: &str, endpoint: &str, more: &str) -> String {
    format!(
        "[files.{name}]\nkind = \"azure\"\ncontainer = \"{container}\"\naccount = \"{ACCOUNT}\"\naccount_key = \"{KEY}\"\nendpoint = \"{endpoint}\"\n{more}"
    )
}

impl House {
    /// Everything but the bot runs. `config` is added to its configuration.
    pub async fn new(config: &str) -> Self {
        let (s3, strict, azure) = tokio::join!(S3Server::moto(), S3Server::s3s(), Azurite::start());
        let (s3, strict, azure) = (s3.unwrap(), strict.unwrap(), azure.unwrap());
        let endpoint = azure.endpoint();
        let (amazon, microsoft) = tokio::join!(Eyes::amazon(s3.url(), strict.url()), Eyes::microsoft(&endpoint));
        let made = "
s3.create_bucket(Bucket='team-s3')
s3.put_bucket_versioning(Bucket='team-s3', VersioningConfiguration={'Status': 'Enabled'})
strict.create_bucket(Bucket='team-strict')";
        amazon.look(made, json!({})).await;
        microsoft.look("azure.create_container('team-azure')", json!({})).await;
        let road = async |url: &str| FaultProxy::start(url.trim_start_matches("http://").parse().unwrap()).await.unwrap();
        let roads = [road(s3.url()).await, road(strict.url()).await, road(azure.origin()).await];
        let prefix = format!("prefix = \"{}\"\n", Kind::Strict.prefix());
        let config = format!(
            "commands_per_minute = 0\n{config}[files.local]\nkind = \"local\"\npath = \"shelf\"\n{}{}{}",
            s3_section("s3", &Kind::S3.bucket(), &roads[0].url(), ""),
            s3_section("strict", &Kind::Strict.bucket(), &roads[1].url(), &prefix),
            azure_section("azure", &Kind::Azure.bucket(), &format!("{}/{ACCOUNT}", roads[2].url()), "")
        );
        Self { bot: Bot::new(&config), roads, _servers: (s3, strict, azure), amazon, microsoft }
    }

    /// The network between the bot and a store's server.
    pub fn road(&self, kind: Kind) -> &FaultProxy {
        match kind {
            Kind::Local => panic!("there is no network to a folder"),
            Kind::S3 => &self.roads[0],
            Kind::Strict => &self.roads[1],
            Kind::Azure => &self.roads[2],
        }
    }

    /// Adds to the configuration of a bot that doesn't run.
    pub fn configure(&self, more: &str) {
        let path = self.bot.path("bellhop.toml");
        let before = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, format!("{before}{more}")).unwrap();
    }

    /// The same, and the bot runs.
    pub async fn open(config: &str) -> Self {
        let mut house = Self::new(config).await;
        house.bot.go().await;
        house
    }

    /// Runs a script of the client that is at home there, with `c` the client and `b` the bucket.
    pub async fn look(&self, kind: Kind, script: &str, mut args: Value) -> Value {
        let name = args["n"].as_str().map(|name| format!("{}{name}", kind.prefix()));
        args["n"] = json!(name);
        let script = format!("c, b, n = {}, '{}', args['n']\n{script}", kind.store(), kind.bucket());
        let eyes = match kind {
            Kind::Local => panic!("a folder is looked at as it is"),
            Kind::S3 | Kind::Strict => &self.amazon,
            Kind::Azure => &self.microsoft,
        };
        eyes.look(&script, args).await
    }

    /// Where a file lies in the folder: as its name says, but for the percent sign.
    fn path(&self, name: &str) -> PathBuf {
        self.bot.path("shelf/files").join(name.replace('%', "%25"))
    }

    /// What is under a name, if anything.
    pub async fn seen(&self, kind: Kind, name: &str) -> Option<Seen> {
        if kind == Kind::Local {
            let bytes = std::fs::read(self.path(name)).ok()?;
            // A folder knows no types.
            return Some(Seen::of(&bytes, ""));
        }
        let seen = self.look(kind, "result = seen(c, b, n)", json!({ "n": name })).await;
        let text = |field: &str| seen[field].as_str().unwrap_or_default().to_owned();
        (!seen.is_null()).then(|| Seen { sha256: text("sha256"), content_type: text("type") })
    }

    /// Fails unless these bytes are under the name, and as this type where types are kept.
    pub async fn holds(&self, kind: Kind, name: &str, bytes: &[u8], content_type: &str) {
        let wanted = Seen::of(bytes, if kind == Kind::Local { "" } else { content_type });
        assert_eq!(self.seen(kind, name).await, Some(wanted), "{kind:?} {name}");
    }

    /// Writes a file behind the bot's back, with the bytes of `pattern`.
    pub async fn write(&self, kind: Kind, name: &str, size: usize, content_type: &str) {
        if kind == Kind::Local {
            let path = self.path(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, pattern(size)).unwrap();
            return;
        }
        let args = json!({ "n": name, "size": size, "type": content_type });
        self.look(kind, "write(c, b, n, args['size'], args['type'])", args).await;
    }

    /// All names in the bucket, without what stands before them.
    pub async fn names(&self, kind: Kind) -> Vec<String> {
        if kind == Kind::Local {
            return walk(&self.bot.path("shelf/files"), "");
        }
        let names = self.look(kind, "result = names(c, b)", json!({})).await;
        let bare = |name: &Value| name.as_str().unwrap().strip_prefix(kind.prefix()).unwrap().to_owned();
        names.as_array().unwrap().iter().map(bare).collect()
    }

    /// The ids of a file's versions, the current one first, and whether each is a deletion.
    pub async fn versions(&self, kind: Kind, name: &str) -> Vec<(String, bool)> {
        let all = self.look(kind, "result = versions(c, b, n)", json!({ "n": name })).await;
        let one = |version: &Value| (version["id"].as_str().unwrap().to_owned(), version["deletion"].as_bool().unwrap());
        all.as_array().unwrap().iter().map(one).collect()
    }

    /// What was begun there and not finished: uploads in parts, blocks that wait, files in the making.
    pub async fn unfinished(&self, kind: Kind) -> Vec<String> {
        if kind == Kind::Local {
            return walk(&self.bot.path("shelf/.bellhop/tmp"), "");
        }
        let found = self.look(kind, "result = unfinished(c, b)", json!({})).await;
        found.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    }
}

/// The files below a folder, by their paths in it.
fn walk(folder: &std::path::Path, before: &str) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries {
        let entry = entry.unwrap();
        let name = format!("{before}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() { found.extend(walk(&entry.path(), &format!("{name}/"))) } else { found.push(name.replace("%25", "%")) }
    }
    found.sort();
    found
}

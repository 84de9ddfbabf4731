//! How single files are encrypted: as it is asked for one file, as the store is configured, or as the file that is copied.
//!
//! A server that doesn't know a kind of encryption may ignore it without a word. What was asked for a file is therefore
//! written only where the server has said that it does it, before any byte can be seen.

use crate::customer::{ALGORITHM, Unlocking};
use crate::nature::Nature;
use crate::store::S3Store;
use crate::upload::Begun;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::ServerSideEncryption;
use bellhop_core::PortErrorKind;
use bellhop_core::ports::{FileEncryption, PortResult};
use bellhop_core::text::{one_line, shorten};

/// Kinds that a server can or can't do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Aes256,
    Kms,
    Customer,
}

/// How a file is encrypted, as requests say it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seal {
    pub service: Option<ServerSideEncryption>,
    pub kms_key: Option<String>,
    pub bucket_key: Option<bool>,
    pub customer: Unlocking,
    /// Asked for this very file: nothing else will do.
    pub asked: bool,
}

/// Puts what a seal says into a request that makes a file.
macro_rules! sealed {
    ($request:expr, $seal:expr) => {{
        let seal: &$crate::seal::Seal = $seal;
        let request = $request
            .set_server_side_encryption(seal.service.clone())
            .set_ssekms_key_id(seal.kms_key.clone())
            .set_bucket_key_enabled(seal.bucket_key);
        $crate::seal::unlocked!(request, &seal.customer)
    }};
}

/// Puts a key of the owner's, where there is one, into a request on a file that is under it, or will be.
macro_rules! unlocked {
    ($request:expr, $key:expr) => {{
        let key: Option<&$crate::customer::CustomerKey> = $key.as_deref();
        $request
            .set_sse_customer_algorithm(key.map(|_| $crate::customer::ALGORITHM.to_owned()))
            .set_sse_customer_key(key.map(|key| key.secret().to_owned()))
            .set_sse_customer_key_md5(key.map(|key| key.md5().to_owned()))
    }};
}

/// The same for the file that is copied.
macro_rules! source_unlocked {
    ($request:expr, $key:expr) => {{
        let key: Option<&$crate::customer::CustomerKey> = $key.as_deref();
        $request
            .set_copy_source_sse_customer_algorithm(key.map(|_| $crate::customer::ALGORITHM.to_owned()))
            .set_copy_source_sse_customer_key(key.map(|key| key.secret().to_owned()))
            .set_copy_source_sse_customer_key_md5(key.map(|key| key.md5().to_owned()))
    }};
}

/// What an answer says of a file's encryption, when it was asked with this key.
macro_rules! told_encryption {
    ($answer:expr, $key:expr) => {
        $crate::seal::told($answer.server_side_encryption(), $answer.ssekms_key_id(), $answer.sse_customer_algorithm(), $key)
    };
}

pub(crate) use {sealed, source_unlocked, told_encryption, unlocked};

/// See [`told_encryption`].
pub(crate) fn told(
    service: Option<&ServerSideEncryption>,
    kms_key: Option<&str>,
    customer: Option<&str>,
    key: &Unlocking,
) -> Option<FileEncryption> {
    if customer.is_some() {
        return key.as_ref().map(|key| FileEncryption::Key(key.name().to_owned()));
    }
    match service? {
        ServerSideEncryption::Aes256 => Some(FileEncryption::Aes256),
        ServerSideEncryption::AwsKms | ServerSideEncryption::AwsKmsDsse => Some(FileEncryption::Kms { key: kms_key.map(str::to_owned) }),
        _ => None,
    }
}

impl Seal {
    fn kind(&self) -> Option<Kind> {
        if self.customer.is_some() {
            return Some(Kind::Customer);
        }
        self.service.as_ref().map(|kind| if *kind == ServerSideEncryption::Aes256 { Kind::Aes256 } else { Kind::Kms })
    }

    /// The kind that must be as it was asked for.
    pub fn wanted(&self) -> Option<Kind> {
        self.kind().filter(|_| self.asked)
    }

    /// Whether an answer says that it is done as wanted.
    pub fn done(&self, service: Option<&ServerSideEncryption>, customer: Option<&str>) -> bool {
        match self.wanted() {
            None => true,
            Some(Kind::Customer) => customer == Some(ALGORITHM),
            Some(Kind::Aes256 | Kind::Kms) => service == self.service.as_ref(),
        }
    }
}

impl S3Store {
    /// How a new file is encrypted.
    pub(crate) fn seal(&self, operation: &'static str, asked: Option<&FileEncryption>) -> PortResult<Seal> {
        let config = &self.account.config;
        let Some(asked) = asked else { return Ok(self.account.seal()) };
        let seal = match asked {
            FileEncryption::Aes256 => Seal { service: Some(ServerSideEncryption::Aes256), ..Seal::default() },
            FileEncryption::Kms { key } => {
                let fits = |key: &String| !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b":/-_.".contains(&b));
                if key.as_ref().is_some_and(|key| !fits(key)) {
                    let message = "a KMS key is written as its ARN, such as arn:aws:kms:eu-central-1:111122223333:key/1234abcd-...";
                    return Err(self.error(PortErrorKind::Invalid, operation, message));
                }
                let kms_key = key.clone().or_else(|| config.kms_key.clone());
                Seal { service: Some(ServerSideEncryption::AwsKms), kms_key, bucket_key: config.bucket_key, ..Seal::default() }
            }
            FileEncryption::Scope(_) => {
                let message = "S3 has no encryption scopes; choose aes256, kms or key:NAME";
                return Err(self.error(PortErrorKind::Unsupported, operation, message));
            }
            FileEncryption::Key(name) => Seal { customer: self.customer(operation, name)?, ..Seal::default() },
        };
        Ok(Seal { asked: true, ..seal })
    }

    /// A configured key that may be used on this connection.
    pub(crate) fn customer(&self, operation: &'static str, name: &str) -> PortResult<Unlocking> {
        let config = &self.account.config;
        let section = &self.account.service;
        let Some(key) = config.customer_keys.get(name) else {
            let names: Vec<&str> = config.customer_keys.keys().map(String::as_str).collect();
            let there = if names.is_empty() { "there is none".to_owned() } else { format!("there are {}", names.join(", ")) };
            let shown = shorten(&one_line(name), 60);
            let message = format!("there is no key `{shown}` in [{section}.keys] ({there}); write it there, or choose another");
            return Err(self.error(PortErrorKind::Invalid, operation, message));
        };
        if !config.is_private() {
            return Err(self.error(PortErrorKind::Invalid, operation, self.exposed()));
        }
        Ok(Some(key.clone()))
    }

    /// What is said where a key could be read on its way.
    pub(crate) fn exposed(&self) -> String {
        let section = &self.account.service;
        format!("the keys in [{section}.keys] are sent over https only, and `endpoint` in [{section}] is http; give an https address")
    }

    /// The encryption that a copy of a file has: that of the file.
    pub(crate) fn seal_of(&self, there: &HeadObjectOutput, key: &Unlocking) -> Seal {
        if there.sse_customer_algorithm().is_some() && key.is_some() {
            return Seal { customer: key.clone(), ..Seal::default() };
        }
        match there.server_side_encryption() {
            Some(kind @ (ServerSideEncryption::Aes256 | ServerSideEncryption::AwsKms | ServerSideEncryption::AwsKmsDsse)) => Seal {
                service: Some(kind.clone()),
                kms_key: there.ssekms_key_id().map(str::to_owned),
                // Of the other kinds it would be refused.
                bucket_key: there.bucket_key_enabled().filter(|_| *kind == ServerSideEncryption::AwsKms),
                ..Seal::default()
            },
            _ => self.account.seal(),
        }
    }

    /// The ways of encrypting a file that can be asked for, the usual first.
    pub(crate) fn offered(&self) -> Vec<FileEncryption> {
        let config = &self.account.config;
        let kms = FileEncryption::Kms { key: config.kms_key.clone() };
        let mut all = match config.sse {
            Some(crate::config::Sse::Kms) => vec![(Kind::Kms, kms), (Kind::Aes256, FileEncryption::Aes256)],
            _ => vec![(Kind::Aes256, FileEncryption::Aes256), (Kind::Kms, kms)],
        };
        if config.is_private() {
            all.extend(config.customer_keys.keys().map(|name| (Kind::Customer, FileEncryption::Key(name.clone()))));
        }
        all.into_iter().filter(|(kind, _)| self.can_seal(*kind) != Some(false)).map(|(_, encryption)| encryption).collect()
    }

    /// Sees to it that the server does what is wanted before a file is written in one request, which would be seen at once.
    pub(crate) async fn ensure_sealing(&self, operation: &'static str, key: &str, seal: &Seal) -> PortResult<()> {
        let Some(kind) = seal.wanted() else { return Ok(()) };
        // AWS refuses what it doesn't do.
        if self.account.is_aws() || self.can_seal(kind) == Some(true) {
            return Ok(());
        }
        // To begin an upload says it and writes nothing.
        let nature = Nature { seal: seal.clone(), ..Nature::default() };
        Begun::begin(self, operation, key, &nature).await?.give_up().await;
        Ok(())
    }

    /// Notes whether an answer says that it is done as wanted; an error when not.
    pub(crate) fn sealing(
        &self,
        operation: &'static str,
        seal: &Seal,
        service: Option<&ServerSideEncryption>,
        customer: Option<&str>,
    ) -> PortResult<()> {
        let Some(kind) = seal.wanted() else { return Ok(()) };
        let done = seal.done(service, customer);
        self.note_sealing(kind, done);
        if done {
            return Ok(());
        }
        let what = match kind {
            Kind::Aes256 => "aes256",
            Kind::Kms => "kms",
            Kind::Customer => "with a key of your own",
        };
        let message =
            format!("{} doesn't encrypt single files as asked ({what}): it takes the wish and doesn't do it", self.account.place());
        Err(self.error(PortErrorKind::Unsupported, operation, message))
    }
}

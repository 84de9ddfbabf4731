//! The administration of buckets. Each setting has its module; here is what is about a bucket as a whole.
//!
//! It deliberately doesn't reach what is above buckets (accounts, the block of public access of a whole account, users).

mod encryption;
mod exposure;
mod lifecycle;
mod policy;

use crate::fault::{Ask, Said};
use crate::store::{S3Store, moment};
use crate::wire::{Captured, elements};
use async_trait::async_trait;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, EncodingType, PublicAccessBlockConfiguration,
    VersioningConfiguration,
};
use bellhop_core::ports::{
    AccessPolicy, Bucket, BucketInfo, Buckets, Encryption, Fact, LifecycleRule, PortResult, PublicAccess, Versioning,
};
use bellhop_core::text::grouped;
use bellhop_core::{PortError, PortErrorKind, Timestamp};

/// The region whose name isn't said when a bucket is made.
const NAMELESS: &str = "us-east-1";
/// How many entries are counted of a bucket that should be empty.
const COUNTED: i32 = 1000;

/// A setting that may be hidden or not exist.
fn fact<T>(result: PortResult<T>) -> PortResult<Fact<T>> {
    match result {
        Ok(value) => Ok(Fact::Known(value)),
        Err(error) if error.kind == PortErrorKind::Denied => Ok(Fact::Denied),
        Err(error) if error.kind == PortErrorKind::Unsupported => Ok(Fact::Unsupported),
        Err(error) => Err(error),
    }
}

impl S3Store {
    /// Whether a bucket keeps versions.
    pub(crate) async fn ask_versioning(&self, bucket: &str) -> PortResult<Versioning> {
        let client = self.account.client().await?;
        let captured = Captured::default();
        let sent = client.get_bucket_versioning().bucket(bucket).customize().interceptor(captured.clone()).send().await;
        let got = match sent {
            Ok(got) => got,
            Err(error) => {
                let error = self.account.failed(Ask::bucket("versioning", "s3:GetBucketVersioning", bucket), &error);
                // Some servers name the empty answer otherwise than S3 does, and the SDK wants its name.
                let empty = elements(&captured.text()).is_some_and(|names| names.len() == 1);
                let strange = matches!(error.kind, PortErrorKind::Broken | PortErrorKind::Unsupported);
                return if strange && empty { Ok(Versioning::Off) } else { Err(error) };
            }
        };
        Ok(match got.status() {
            Some(BucketVersioningStatus::Enabled) => Versioning::On,
            Some(BucketVersioningStatus::Suspended) => Versioning::Suspended,
            _ => Versioning::Off,
        })
    }

    /// The region that a bucket says it is in; an error when there is none, or it may not be seen.
    async fn region_of(&self, bucket: &str) -> PortResult<Option<String>> {
        let client = self.account.client().await?;
        let sent = client.head_bucket().bucket(bucket).send().await;
        let got = sent.map_err(|error| self.account.failed(Ask::bucket("info", "s3:ListBucket", bucket), &error))?;
        Ok(got.bucket_region().filter(|region| !region.is_empty()).map(str::to_owned))
    }

    async fn listed(&self, prefix: Option<&str>) -> PortResult<Vec<Bucket>> {
        let client = self.account.client().await?;
        let mut found = Vec::new();
        let mut token = None::<String>;
        loop {
            // Asked in pages, AWS tells the regions too. Others give everything at once.
            let paged = self.account.is_aws();
            let request = client
                .list_buckets()
                .set_max_buckets(paged.then_some(1000))
                .set_prefix(prefix.filter(|_| paged).map(str::to_owned))
                .set_continuation_token(token.clone());
            let sent = request.send().await;
            let ask = Ask::bucket("list", "s3:ListAllMyBuckets", "all buckets");
            let got = sent.map_err(|error| self.account.failed(ask, &error))?;
            found.extend(got.buckets().iter().map(|bucket| Bucket {
                name: bucket.name().unwrap_or_default().to_owned(),
                created: bucket.creation_date().map(|at| moment(Some(at))),
                region: bucket.bucket_region().map(str::to_owned),
            }));
            let next = got.continuation_token().filter(|next| !next.is_empty()).map(str::to_owned);
            if next.is_none() || next == token {
                found.sort_by(|a: &Bucket, b| a.name.cmp(&b.name));
                return Ok(found);
            }
            token = next;
        }
    }

    async fn created(&self, bucket: &str) -> PortResult<Option<Timestamp>> {
        let found = self.listed(Some(bucket)).await?;
        Ok(found.into_iter().find(|one| one.name == bucket).and_then(|one| one.created))
    }

    /// What is in a bucket, in words; `None` when it is empty or that may not be seen.
    async fn contents(&self, bucket: &str) -> PortResult<Option<String>> {
        let client = self.account.client().await?;
        let asked = client.list_object_versions().bucket(bucket).encoding_type(EncodingType::Url).max_keys(COUNTED).send().await;
        let ask = Ask::bucket("delete", "s3:ListBucketVersions", bucket);
        let (files, older, marks, first, more) = match asked.map_err(|error| self.account.failed(ask, &error)) {
            Ok(got) => {
                let files = got.versions().iter().filter(|version| version.is_latest() == Some(true)).count();
                let first =
                    got.versions().first().and_then(|version| version.key()).or(got.delete_markers().first().and_then(|mark| mark.key()));
                let older = got.versions().len() - files;
                (files, older, got.delete_markers().len(), first.map(str::to_owned), got.is_truncated().unwrap_or(false))
            }
            // Denied, not there, or with names that its XML can't hold: files alone are asked for.
            Err(error) if matches!(error.kind, PortErrorKind::Unsupported | PortErrorKind::Denied | PortErrorKind::Broken) => {
                let asked = client.list_objects_v2().bucket(bucket).encoding_type(EncodingType::Url).max_keys(COUNTED).send().await;
                match asked.map_err(|error| self.account.failed(Ask::bucket("delete", "s3:ListBucket", bucket), &error)) {
                    Ok(got) => {
                        let first = got.contents().first().and_then(|object| object.key()).map(str::to_owned);
                        (got.contents().len(), 0, 0, first, got.is_truncated().unwrap_or(false))
                    }
                    Err(error) if error.kind == PortErrorKind::Denied => return Ok(None),
                    Err(error) => return Err(error),
                }
            }
            Err(error) => return Err(error),
        };
        let Some(first) = first else { return Ok(None) };
        let count = |number: usize, one: &str, many: &str| {
            (number > 0).then(|| format!("{} {}", grouped(i64::try_from(number).unwrap_or(0)), if number == 1 { one } else { many }))
        };
        let counted = [
            count(files, "file", "files"),
            count(older, "older version", "older versions"),
            count(marks, "mark of a deletion", "marks of deletions"),
        ];
        let counted: Vec<String> = counted.into_iter().flatten().collect();
        let first = crate::names::decoded(&first).unwrap_or(first);
        let first = bellhop_core::text::shorten(&bellhop_core::text::one_line(&first), 80);
        let at_least = if more { "at least " } else { "" };
        let counted = counted.join(", ");
        Ok(Some(match (files + older + marks, more) {
            (1, false) => format!("{counted} is in it, `{first}`"),
            _ => format!("{at_least}{counted} are in it, `{first}` the first"),
        }))
    }

    /// What S3 has no like of.
    fn no_access_policies<T>(&self, operation: &'static str) -> PortResult<T> {
        let message = "S3 keeps no access policies that links could be bound to; give single files by links that expire (file share), and \
                       let the bucket's own policy, which `bucket info` shows, be changed at the service";
        Err(PortError::unsupported(self.account.service.clone(), operation, message))
    }

    fn named<'a>(&self, operation: &'static str, name: &'a str) -> PortResult<&'a str> {
        let wrong = |why: &str| {
            let shown = bellhop_core::text::shorten(&bellhop_core::text::one_line(name), 70);
            Err(self.error(PortErrorKind::Invalid, operation, format!("`{shown}` can't be a bucket's name: {why}")))
        };
        if !(3..=63).contains(&name.len()) {
            return wrong("it has 3 to 63 letters");
        }
        if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.') {
            return wrong("it has small letters, digits, hyphens and dots only");
        }
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) || !name.ends_with(|c: char| c.is_ascii_alphanumeric()) {
            return wrong("it begins and ends with a letter or a digit");
        }
        if name.contains("..") || name.contains(".-") || name.contains("-.") {
            return wrong("dots stand alone between letters or digits");
        }
        if name.split('.').count() == 4 && name.split('.').all(|part| part.parse::<u8>().is_ok()) {
            return wrong("it looks like an address");
        }
        let reserved = ["xn--", "sthree-", "amzn-s3-demo-"].iter().any(|start| name.starts_with(start))
            || ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"].iter().any(|end| name.ends_with(end));
        if reserved { wrong("that form is kept for the service's own") } else { Ok(name) }
    }
}

#[async_trait]
impl Buckets for S3Store {
    fn own(&self) -> &str {
        self.bucket()
    }

    async fn list(&self) -> PortResult<Vec<Bucket>> {
        self.listed(None).await
    }

    async fn create(&self, name: &str) -> PortResult<Bucket> {
        let name = self.named("create", name)?;
        let client = self.account.client().await?;
        // In one region AWS says of a bucket that is there already that it was made.
        let there = client.head_bucket().bucket(name).send().await;
        match &there {
            Ok(_) => {
                let message = format!("there is a bucket {name} already, and it is this account's");
                return Err(self.error(PortErrorKind::Conflict, "create", message));
            }
            Err(error) if Said::of(error).is_some_and(|said| said.status == 301) => {
                let message = format!("there is a bucket {name} already, in another region");
                return Err(self.error(PortErrorKind::Conflict, "create", message));
            }
            Err(_) => {}
        }
        let region = self.account.region().await?.to_owned();
        let placed = (region != NAMELESS)
            .then(|| CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(region.as_str())).build());
        let sent = client.create_bucket().bucket(name).set_create_bucket_configuration(placed).send().await;
        sent.map_err(|error| self.account.failed(Ask::bucket("create", "s3:CreateBucket", name).changing(), &error))?;
        // AWS closes new buckets to strangers by itself; elsewhere it is asked for, where it is known.
        let closed = PublicAccessBlockConfiguration::builder()
            .block_public_acls(true)
            .ignore_public_acls(true)
            .block_public_policy(true)
            .restrict_public_buckets(true)
            .build();
        if let Err(error) = client.put_public_access_block().bucket(name).public_access_block_configuration(closed).send().await {
            let error = self.account.failed(Ask::bucket("create", "s3:PutBucketPublicAccessBlock", name), &error);
            tracing::debug!(%error, "public access of a new bucket was not blocked beyond what the service does by itself");
        }
        Ok(Bucket { name: name.to_owned(), created: Some(self.account.clock.now()), region: Some(region) })
    }

    async fn delete(&self, name: &str) -> PortResult<()> {
        let name = self.named("delete", name)?;
        if let Some(contents) = self.contents(name).await? {
            let message = format!("the bucket {name} isn't empty: {contents}; delete that first, or let a lifecycle rule do it");
            return Err(self.error(PortErrorKind::Conflict, "delete", message));
        }
        let client = self.account.client().await?;
        let sent = client.delete_bucket().bucket(name).send().await;
        sent.map(drop).map_err(|error| self.account.failed(Ask::bucket("delete", "s3:DeleteBucket", name).changing(), &error))
    }

    async fn info(&self, name: &str) -> PortResult<BucketInfo> {
        let name = self.named("info", name)?;
        let region = match self.region_of(name).await {
            Ok(Some(region)) => Fact::Known(region),
            Ok(None) => Fact::Unsupported,
            Err(error) if error.kind == PortErrorKind::Denied => Fact::Denied,
            Err(error) => return Err(error),
        };
        let (created, versioning, encryption, public, policy, lifecycle) = futures::join!(
            self.created(name),
            self.ask_versioning(name),
            self.encryption_of(name),
            self.exposure(name),
            self.policy_words(name),
            self.rules(name),
        );
        let created = match created {
            Ok(Some(at)) => Fact::Known(at),
            Ok(None) => Fact::Unsupported,
            Err(error) => fact::<Timestamp>(Err(error))?,
        };
        Ok(BucketInfo {
            name: name.to_owned(),
            created,
            region,
            versioning: fact(versioning)?,
            encryption: fact(encryption)?,
            public: fact(public)?,
            policy: fact(policy)?,
            lifecycle: fact(lifecycle)?,
        })
    }

    async fn versioning(&self, name: &str) -> PortResult<Versioning> {
        self.ask_versioning(self.named("versioning", name)?).await
    }

    async fn set_versioning(&self, name: &str, on: bool) -> PortResult<()> {
        let name = self.named("versioning", name)?;
        let client = self.account.client().await?;
        let status = if on { BucketVersioningStatus::Enabled } else { BucketVersioningStatus::Suspended };
        let wanted = VersioningConfiguration::builder().status(status).build();
        let sent = client.put_bucket_versioning().bucket(name).versioning_configuration(wanted).send().await;
        sent.map_err(|error| self.account.failed(Ask::bucket("versioning", "s3:PutBucketVersioning", name), &error))?;
        if name == self.bucket() {
            self.note_versioning(if on { Versioning::On } else { Versioning::Suspended });
        }
        Ok(())
    }

    async fn lifecycle(&self, name: &str) -> PortResult<Vec<LifecycleRule>> {
        self.rules(self.named("lifecycle", name)?).await
    }

    async fn add_lifecycle(&self, name: &str, rule: &LifecycleRule) -> PortResult<()> {
        self.add_rule(self.named("lifecycle", name)?, rule).await
    }

    async fn clear_lifecycle(&self, name: &str, id: Option<&str>) -> PortResult<()> {
        self.clear_rules(self.named("lifecycle", name)?, id).await
    }

    async fn encryption(&self, name: &str) -> PortResult<Encryption> {
        self.encryption_of(self.named("encryption", name)?).await
    }

    async fn set_encryption(&self, name: &str, encryption: &Encryption) -> PortResult<()> {
        self.encrypt(self.named("encryption", name)?, encryption).await
    }

    async fn public_access(&self, name: &str) -> PortResult<PublicAccess> {
        Box::pin(self.exposure(self.named("public access", name)?)).await
    }

    async fn access(&self, _: &str) -> PortResult<Vec<AccessPolicy>> {
        self.no_access_policies("access")
    }

    async fn create_access(&self, _: &str, _: &AccessPolicy) -> PortResult<()> {
        self.no_access_policies("create access")
    }

    async fn change_access(&self, _: &str, _: &AccessPolicy) -> PortResult<()> {
        self.no_access_policies("change access")
    }

    async fn revoke_access(&self, _: &str, _: &str) -> PortResult<()> {
        self.no_access_policies("revoke access")
    }
}

//! The encryption that new files get.

use crate::fault::{Ask, Said};
use crate::store::S3Store;
use aws_sdk_s3::types::{ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule};
use bellhop_core::PortErrorKind;
use bellhop_core::ports::{Encryption, PortResult};

impl S3Store {
    async fn encryption_rules(&self, bucket: &str) -> PortResult<Vec<ServerSideEncryptionRule>> {
        let client = self.account.client().await?;
        match client.get_bucket_encryption().bucket(bucket).send().await {
            Ok(got) => Ok(got.server_side_encryption_configuration().map(|found| found.rules().to_vec()).unwrap_or_default()),
            Err(error) if Said::of(&error).is_some_and(|said| said.code == "ServerSideEncryptionConfigurationNotFoundError") => {
                Ok(Vec::new())
            }
            Err(error) => Err(self.account.failed(Ask::bucket("encryption", "s3:GetEncryptionConfiguration", bucket), &error)),
        }
    }

    pub(super) async fn encryption_of(&self, bucket: &str) -> PortResult<Encryption> {
        let rules = self.encryption_rules(bucket).await?;
        let Some(rule) = rules.iter().find(|rule| rule.apply_server_side_encryption_by_default().is_some()) else {
            // AWS encrypts everything by itself; other servers encrypt nothing unless told.
            return Ok(if self.account.is_aws() { Encryption::Aes256 } else { Encryption::None });
        };
        Ok(read(rule))
    }

    pub(super) async fn encrypt(&self, bucket: &str, encryption: &Encryption) -> PortResult<()> {
        let invalid = |why: &str| self.error(PortErrorKind::Invalid, "encryption", why);
        let (algorithm, key, bucket_key) = match encryption {
            Encryption::Aes256 => (ServerSideEncryption::Aes256, None, None),
            Encryption::Kms { key, bucket_key } => (ServerSideEncryption::AwsKms, key.clone(), Some(*bucket_key)),
            Encryption::None => {
                let why = "encryption can't be switched off; aes256 is the least";
                return Err(self.error(PortErrorKind::Unsupported, "encryption", why));
            }
            Encryption::Other(_) => return Err(invalid("choose aes256, or kms with a key")),
        };
        // S3 takes any text for a key, and every later write fails: what can't be one is refused here.
        if key.as_ref().is_some_and(|key| key.is_empty() || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b":/-_.".contains(&b))) {
            return Err(invalid("a key is written as its ARN, such as arn:aws:kms:eu-central-1:111122223333:key/1234abcd-..."));
        }
        let default = ServerSideEncryptionByDefault::builder().sse_algorithm(algorithm).set_kms_master_key_id(key).build();
        let default = default.map_err(|error| invalid(&error.to_string()))?;
        let mut rules = self.encryption_rules(bucket).await?;
        // What else a rule says, such as which kinds of encryption are blocked, stays.
        let blocked = rules.first().and_then(|rule| rule.blocked_encryption_types().cloned());
        let rule = ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(default)
            .set_bucket_key_enabled(bucket_key)
            .set_blocked_encryption_types(blocked)
            .build();
        match rules.first_mut() {
            Some(first) => *first = rule,
            None => rules.push(rule),
        }
        let wanted = ServerSideEncryptionConfiguration::builder().set_rules(Some(rules)).build();
        let wanted = wanted.map_err(|error| invalid(&error.to_string()))?;
        let client = self.account.client().await?;
        let sent = client.put_bucket_encryption().bucket(bucket).server_side_encryption_configuration(wanted).send().await;
        let ask = Ask::bucket("encryption", "s3:PutEncryptionConfiguration", bucket);
        sent.map(drop).map_err(|error| self.account.failed(ask, &error))
    }
}

fn read(rule: &ServerSideEncryptionRule) -> Encryption {
    let Some(default) = rule.apply_server_side_encryption_by_default() else { return Encryption::None };
    let key = default.kms_master_key_id().map(str::to_owned);
    match default.sse_algorithm() {
        ServerSideEncryption::Aes256 => Encryption::Aes256,
        ServerSideEncryption::AwsKms => Encryption::Kms { key, bucket_key: rule.bucket_key_enabled().unwrap_or(false) },
        ServerSideEncryption::AwsKmsDsse => {
            Encryption::Other(key.map_or_else(|| "two layers with KMS".to_owned(), |key| format!("two layers with the KMS key {key}")))
        }
        other => Encryption::Other(bellhop_core::text::shorten(&bellhop_core::text::one_line(other.as_str()), 60)),
    }
}

//! Lifecycle rules. S3 takes them only all together, so that they are read, merged and written; rules of others go back as
//! they came, in the SDK's own types. What the SDK would lose (elements newer than it) is a reason to change nothing.

use crate::fault::{Ask, Said};
use crate::store::{S3Store, moment};
use crate::wire::{Captured, elements};
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule as Rule,
    LifecycleRuleAndOperator, LifecycleRuleFilter, NoncurrentVersionExpiration, Tag, Transition as Move,
    TransitionDefaultMinimumObjectSize, TransitionStorageClass,
};
use bellhop_core::ports::{LifecycleFilter, LifecycleRule, NoncurrentExpiry, PortResult, Transition, When};
use bellhop_core::{PortError, PortErrorKind, Timestamp};
use std::collections::BTreeSet;

/// The most rules of a bucket, and the most letters of an id.
const MOST: usize = 1000;
const LONGEST_ID: usize = 255;

/// The elements of a configuration that the SDK knows.
const KNOWN: &[&str] = &[
    "LifecycleConfiguration",
    "Rule",
    "ID",
    "Prefix",
    "Status",
    "Filter",
    "And",
    "Tag",
    "Key",
    "Value",
    "ObjectSizeGreaterThan",
    "ObjectSizeLessThan",
    "Expiration",
    "Date",
    "Days",
    "ExpiredObjectDeleteMarker",
    "Transition",
    "StorageClass",
    "NoncurrentVersionTransition",
    "NoncurrentDays",
    "NewerNoncurrentVersions",
    "NoncurrentVersionExpiration",
    "AbortIncompleteMultipartUpload",
    "DaysAfterInitiation",
];

/// The configuration of a bucket as it is.
#[derive(Clone, Debug, Default, PartialEq)]
struct Configuration {
    rules: Vec<Rule>,
    /// From which size on files are moved; would fall back to a default if it weren't sent along.
    least: Option<TransitionDefaultMinimumObjectSize>,
    unknown: Vec<String>,
}

fn ids(rules: &[Rule]) -> BTreeSet<&str> {
    rules.iter().filter_map(Rule::id).collect()
}

impl S3Store {
    async fn configuration(&self, bucket: &str) -> PortResult<Configuration> {
        let client = self.account.client().await?;
        let captured = Captured::default();
        let request = client.get_bucket_lifecycle_configuration().bucket(bucket);
        let got = match request.customize().interceptor(captured.clone()).send().await {
            Ok(got) => got,
            Err(error) if Said::of(&error).is_some_and(|said| said.code == "NoSuchLifecycleConfiguration") => {
                return Ok(Configuration::default());
            }
            Err(error) => return Err(self.account.failed(Ask::bucket("lifecycle", "s3:GetLifecycleConfiguration", bucket), &error)),
        };
        let unknown = elements(&captured.text()).unwrap_or_default().into_iter().filter(|name| !KNOWN.contains(&name.as_str())).collect();
        Ok(Configuration { rules: got.rules().to_vec(), least: got.transition_default_minimum_object_size().cloned(), unknown })
    }

    pub(super) async fn rules(&self, bucket: &str) -> PortResult<Vec<LifecycleRule>> {
        Ok(self.configuration(bucket).await?.rules.iter().map(read).collect())
    }

    pub(super) async fn add_rule(&self, bucket: &str, rule: &LifecycleRule) -> PortResult<()> {
        let invalid = |why: String| self.error(PortErrorKind::Invalid, "lifecycle", why);
        let made = made(rule).map_err(invalid)?;
        let before = self.configuration(bucket).await?;
        let mut after = before.clone();
        match after.rules.iter_mut().find(|there| there.id() == Some(rule.id.as_str())) {
            Some(there) => *there = made,
            None => after.rules.push(made),
        }
        if after.rules.len() > MOST {
            return Err(self.error(PortErrorKind::Full, "lifecycle", format!("a bucket can have {MOST} rules at most")));
        }
        self.replace(bucket, &before, after).await
    }

    pub(super) async fn clear_rules(&self, bucket: &str, id: Option<&str>) -> PortResult<()> {
        let Some(id) = id else { return self.remove_all(bucket).await };
        let before = self.configuration(bucket).await?;
        let mut after = before.clone();
        after.rules.retain(|rule| rule.id() != Some(id));
        if after.rules.len() == before.rules.len() {
            let shown = bellhop_core::text::shorten(&bellhop_core::text::one_line(id), 80);
            let message = format!("the bucket {bucket} has no lifecycle rule `{shown}`");
            return Err(PortError::not_found(self.account.service.clone(), "lifecycle", message));
        }
        if after.rules.is_empty() {
            return self.remove_all(bucket).await;
        }
        self.replace(bucket, &before, after).await
    }

    async fn remove_all(&self, bucket: &str) -> PortResult<()> {
        let client = self.account.client().await?;
        let sent = client.delete_bucket_lifecycle().bucket(bucket).send().await;
        sent.map(drop).map_err(|error| self.account.failed(Ask::bucket("lifecycle", "s3:PutLifecycleConfiguration", bucket), &error))
    }

    /// Writes the rules, unless somebody else did in between.
    async fn replace(&self, bucket: &str, before: &Configuration, after: Configuration) -> PortResult<()> {
        if let Some(unknown) = before.unknown.first() {
            let message = format!(
                "the rules of {bucket} have something that this version doesn't know (`{unknown}`), and writing them would lose it; change them at the service"
            );
            return Err(self.error(PortErrorKind::Unsupported, "lifecycle", message));
        }
        if self.configuration(bucket).await? != *before {
            return Err(self.changed(bucket));
        }
        let wanted = BucketLifecycleConfiguration::builder().set_rules(Some(after.rules.clone())).build();
        let wanted = wanted.map_err(|error| self.error(PortErrorKind::Invalid, "lifecycle", error.to_string()))?;
        let client = self.account.client().await?;
        let request = client
            .put_bucket_lifecycle_configuration()
            .bucket(bucket)
            .set_transition_default_minimum_object_size(after.least.clone())
            .lifecycle_configuration(wanted);
        let sent = request.send().await;
        sent.map_err(|error| self.account.failed(Ask::bucket("lifecycle", "s3:PutLifecycleConfiguration", bucket), &error))?;
        // What is read now is what was written or, for a moment, still what was there before. Anything else is another's.
        let now = self.configuration(bucket).await?;
        let (now, before, after) = (ids(&now.rules), ids(&before.rules), ids(&after.rules));
        if now == before || after.is_subset(&now) { Ok(()) } else { Err(self.changed(bucket)) }
    }

    fn changed(&self, bucket: &str) -> PortError {
        let message = format!("somebody else changed the lifecycle rules of {bucket} at the same time; look at them and try again");
        self.error(PortErrorKind::Conflict, "lifecycle", message)
    }
}

fn number(count: Option<i32>) -> u32 {
    count.and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
}

fn when(days: Option<i32>, date: Option<&DateTime>) -> When {
    date.map_or_else(|| When::Days(number(days)), |date| When::On(moment(Some(date))))
}

/// A rule of S3's in the port's words.
fn read(rule: &Rule) -> LifecycleRule {
    #[expect(deprecated, reason = "older rules have their prefix there")]
    let outer = rule.prefix();
    let filter = rule.filter();
    let and = filter.and_then(LifecycleRuleFilter::and);
    let size = |alone: Option<i64>, together: Option<i64>| alone.or(together).and_then(|size| u64::try_from(size).ok());
    let prefix = filter.and_then(LifecycleRuleFilter::prefix).or(and.and_then(LifecycleRuleAndOperator::prefix)).or(outer);
    let tags = filter.and_then(LifecycleRuleFilter::tag).into_iter().chain(and.map(LifecycleRuleAndOperator::tags).unwrap_or_default());
    let expiration = rule.expiration();
    let older = rule.noncurrent_version_transitions().iter().map(|step| {
        let class = step.storage_class().map_or("another class", TransitionStorageClass::as_str);
        let keep = step.newer_noncurrent_versions().map(|keep| format!(", but for the newest {keep}")).unwrap_or_default();
        format!("move older versions to {class} {} days after they were replaced{keep}", number(step.noncurrent_days()))
    });
    LifecycleRule {
        id: rule.id().unwrap_or_default().to_owned(),
        enabled: *rule.status() == ExpirationStatus::Enabled,
        filter: LifecycleFilter {
            prefix: prefix.unwrap_or_default().to_owned(),
            tags: tags.map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect(),
            larger_than: size(
                filter.and_then(LifecycleRuleFilter::object_size_greater_than),
                and.and_then(LifecycleRuleAndOperator::object_size_greater_than),
            ),
            smaller_than: size(
                filter.and_then(LifecycleRuleFilter::object_size_less_than),
                and.and_then(LifecycleRuleAndOperator::object_size_less_than),
            ),
        },
        expire: expiration.filter(|end| end.days().is_some() || end.date().is_some()).map(|end| when(end.days(), end.date())),
        expire_markers: expiration.and_then(LifecycleExpiration::expired_object_delete_marker).unwrap_or(false),
        transitions: rule
            .transitions()
            .iter()
            .map(|step| Transition {
                when: when(step.days(), step.date()),
                class: step.storage_class().map_or("another class", TransitionStorageClass::as_str).to_owned(),
            })
            .collect(),
        expire_noncurrent: rule.noncurrent_version_expiration().map(|end| NoncurrentExpiry {
            days: number(end.noncurrent_days()),
            keep: end.newer_noncurrent_versions().and_then(|keep| u32::try_from(keep).ok()),
        }),
        abort_incomplete: rule.abort_incomplete_multipart_upload().map(|abort| number(abort.days_after_initiation())),
        other: older.collect(),
    }
}

/// A rule of the port's in S3's words, or why it can't be one.
fn made(rule: &LifecycleRule) -> Result<Rule, String> {
    if rule.id.is_empty() || rule.id.chars().count() > LONGEST_ID {
        return Err(format!("a rule's id has 1 to {LONGEST_ID} letters"));
    }
    if !rule.other.is_empty() {
        return Err(format!("a rule that would {} is made at the service", rule.other.join(", ")));
    }
    let filtered = !rule.filter.tags.is_empty() || rule.filter.larger_than.is_some() || rule.filter.smaller_than.is_some();
    if rule.abort_incomplete.is_some() && filtered {
        return Err("unfinished uploads have neither tags nor a size: that rule takes a prefix only".to_owned());
    }
    if rule.expire_markers && (rule.expire.is_some() || filtered) {
        return Err("marks of deletions are removed by a rule of their own, by prefix only".to_owned());
    }
    let days = |count: u32, least: u32, what: &str| match i32::try_from(count) {
        Ok(days) if count >= least => Ok(days),
        _ => Err(format!("{what} takes a whole number of days, {least} at least")),
    };
    let expiration = match rule.expire {
        Some(When::Days(count)) => Some(LifecycleExpiration::builder().days(days(count, 1, "expiring")?).build()),
        Some(When::On(at)) => Some(LifecycleExpiration::builder().date(midnight(at)?).build()),
        None if rule.expire_markers => Some(LifecycleExpiration::builder().expired_object_delete_marker(true).build()),
        None => None,
    };
    let transitions = rule.transitions.iter().map(|step| {
        let class = class(&step.class)?;
        let step = match step.when {
            When::Days(count) => Move::builder().days(days(count, 0, "moving")?),
            When::On(at) => Move::builder().date(midnight(at)?),
        };
        Ok(step.storage_class(class).build())
    });
    let transitions: Vec<Move> = transitions.collect::<Result<_, String>>()?;
    let noncurrent = match rule.expire_noncurrent {
        Some(expiry) => {
            let keep = expiry.keep.map(|keep| i32::try_from(keep).ok().filter(|keep| (1..=100).contains(keep)));
            if keep == Some(None) {
                return Err("of older versions 1 to 100 can be kept".to_owned());
            }
            let days = days(expiry.days, 1, "expiring older versions")?;
            Some(NoncurrentVersionExpiration::builder().noncurrent_days(days).set_newer_noncurrent_versions(keep.flatten()).build())
        }
        None => None,
    };
    let abort = match rule.abort_incomplete {
        Some(count) => {
            Some(AbortIncompleteMultipartUpload::builder().days_after_initiation(days(count, 1, "removing unfinished uploads")?).build())
        }
        None => None,
    };
    if expiration.is_none() && transitions.is_empty() && noncurrent.is_none() && abort.is_none() {
        return Err("the rule does nothing; say what is to happen, such as expiring after 30d".to_owned());
    }
    Rule::builder()
        .id(&rule.id)
        .status(if rule.enabled { ExpirationStatus::Enabled } else { ExpirationStatus::Disabled })
        .filter(filter(&rule.filter)?)
        .set_expiration(expiration)
        .set_transitions((!transitions.is_empty()).then_some(transitions))
        .set_noncurrent_version_expiration(noncurrent)
        .set_abort_incomplete_multipart_upload(abort)
        .build()
        .map_err(|error| error.to_string())
}

/// S3 wants exactly one condition, and several of them within one that says so.
fn filter(filter: &LifecycleFilter) -> Result<LifecycleRuleFilter, String> {
    let tags: Vec<Tag> = filter.tags.iter().filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok()).collect();
    let size = |bytes: Option<u64>| bytes.map(|bytes| i64::try_from(bytes).map_err(|_| "that size is too large".to_owned())).transpose();
    let (larger, smaller) = (size(filter.larger_than)?, size(filter.smaller_than)?);
    let prefix = (!filter.prefix.is_empty()).then(|| filter.prefix.clone());
    let conditions = tags.len() + [larger, smaller].iter().flatten().count() + usize::from(prefix.is_some());
    let filter = LifecycleRuleFilter::builder();
    Ok(match conditions {
        0 => filter.prefix("").build(),
        1 => filter
            .set_prefix(prefix)
            .set_tag(tags.into_iter().next())
            .set_object_size_greater_than(larger)
            .set_object_size_less_than(smaller)
            .build(),
        _ => {
            let and = LifecycleRuleAndOperator::builder()
                .set_prefix(prefix)
                .set_tags((!tags.is_empty()).then_some(tags))
                .set_object_size_greater_than(larger)
                .set_object_size_less_than(smaller);
            filter.and(and.build()).build()
        }
    })
}

fn class(name: &str) -> Result<TransitionStorageClass, String> {
    let name = name.to_ascii_uppercase();
    if TransitionStorageClass::values().contains(&name.as_str()) {
        return Ok(TransitionStorageClass::from(name.as_str()));
    }
    let known = TransitionStorageClass::values().join(", ");
    let shown = bellhop_core::text::shorten(&bellhop_core::text::one_line(&name), 40);
    Err(format!("`{shown}` is no class that files can be moved to; they are {known}"))
}

/// Dates of rules are midnights of UTC.
fn midnight(at: Timestamp) -> Result<DateTime, String> {
    if at.time() == chrono::NaiveTime::MIN {
        Ok(DateTime::from_secs(at.timestamp()))
    } else {
        Err("a date in a rule is a whole day in UTC".to_owned())
    }
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;

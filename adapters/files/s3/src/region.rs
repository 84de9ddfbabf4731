//! Buckets in other regions than the configured one: S3 says where they are, and from then on they are asked there.
//!
//! Following is the SDK's to do again: it resolves where a request goes and for which region it is signed anew at each
//! attempt. It deliberately doesn't guess: without a word of the service's nothing is followed.

use aws_sdk_s3::config::endpoint::{DefaultResolver, EndpointFuture, InvalidParams, Params, ResolveEndpoint};
use aws_sdk_s3::config::interceptors::{BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextMut, InterceptorContext};
use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_types::config_bag::{Storable, StoreReplace};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use url::Url;

/// Where buckets were found to be.
#[derive(Debug, Default)]
pub(crate) struct Regions {
    /// `files.NAME`, for the warning.
    service: String,
    /// The store's own bucket.
    own: String,
    /// The server, where it isn't AWS by its usual names.
    endpoint: Option<Url>,
    found: Mutex<BTreeMap<String, String>>,
}

impl Regions {
    pub fn new(service: &str, own: &str, endpoint: Option<&str>) -> Self {
        let endpoint = endpoint.and_then(|text| Url::parse(text).ok());
        Self { service: service.to_owned(), own: own.to_owned(), endpoint, found: Mutex::default() }
    }

    /// The region of a bucket, where it was found to be in another than the configured one.
    pub fn of(&self, bucket: &str) -> Option<String> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).get(bucket).cloned()
    }

    /// How many were found so far.
    pub fn count(&self) -> usize {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn note(&self, bucket: String, region: String) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if found.get(&bucket) == Some(&region) {
            return;
        }
        if bucket == self.own {
            let section = &self.service;
            tracing::warn!("the bucket {bucket} is in the region {region}; write region = \"{region}\" in [{section}] to save a question");
        } else {
            tracing::debug!(bucket, region, "a bucket is in another region");
        }
        // Whoever answers so for names without end is not remembered without end.
        if found.len() >= 1000 {
            found.clear();
        }
        found.insert(bucket, region);
    }

    /// The bucket that a request is about.
    fn bucket(&self, uri: &str) -> Option<String> {
        let url = Url::parse(uri).ok()?;
        let host = url.host_str()?;
        let before = match self.endpoint.as_ref().and_then(Url::host_str) {
            Some(server) => host.strip_suffix(server).and_then(|before| before.strip_suffix('.')),
            None => host.split_once(".s3.").or_else(|| host.split_once(".s3-")).map(|(before, _)| before),
        };
        if let Some(bucket) = before.filter(|before| !before.is_empty()) {
            return Some(bucket.to_owned());
        }
        let above = self.endpoint.as_ref().map_or("", |server| server.path().trim_end_matches('/'));
        let bucket = url.path().strip_prefix(above)?.trim_start_matches('/').split('/').next()?;
        (!bucket.is_empty()).then(|| bucket.to_owned())
    }
}

/// What may be a region's name: it becomes part of an address.
pub(crate) fn plausible(region: &str) -> bool {
    (2..=40).contains(&region.len()) && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Where requests go: to the region that their bucket was found in.
#[derive(Debug)]
pub(crate) struct Directions {
    regions: Arc<Regions>,
    usual: DefaultResolver,
}

impl Directions {
    pub fn new(regions: Arc<Regions>) -> Self {
        Self { regions, usual: DefaultResolver::new() }
    }
}

impl ResolveEndpoint for Directions {
    fn resolve_endpoint<'a>(&'a self, params: &'a Params) -> EndpointFuture<'a> {
        let found = params.bucket().and_then(|bucket| self.regions.of(bucket));
        let Some(region) = found else { return ResolveEndpoint::resolve_endpoint(&self.usual, params) };
        EndpointFuture::new(async move {
            let moved = moved(params, &region)?;
            ResolveEndpoint::resolve_endpoint(&self.usual, &moved).await
        })
    }
}

/// The same for another region.
fn moved(params: &Params, region: &str) -> Result<Params, InvalidParams> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    // AWS's address of one region says no to buckets of another; any other server is asked where it is.
    let of_region = |endpoint: &&str| {
        let host = Url::parse(endpoint).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        host.starts_with("s3.") && host.ends_with(".amazonaws.com")
    };
    Params::builder()
        .set_bucket(owned(params.bucket()))
        .region(region)
        .set_use_fips(params.use_fips())
        .set_use_dual_stack(params.use_dual_stack())
        .set_endpoint(owned(params.endpoint().filter(|endpoint| !of_region(endpoint))))
        .set_force_path_style(params.force_path_style())
        .set_accelerate(params.accelerate())
        .set_use_global_endpoint(params.use_global_endpoint())
        .set_use_object_lambda_endpoint(params.use_object_lambda_endpoint())
        .set_key(owned(params.key()))
        .set_prefix(owned(params.prefix()))
        .set_copy_source(owned(params.copy_source()))
        .set_disable_access_points(params.disable_access_points())
        .set_disable_multi_region_access_points(params.disable_multi_region_access_points())
        .set_use_arn_region(params.use_arn_region())
        .set_use_s3_express_control_endpoint(params.use_s3_express_control_endpoint())
        .set_disable_s3_express_session_auth(params.disable_s3_express_session_auth())
        .build()
}

/// What an answer is marked with whose request is to be sent to another region.
const MARK: &str = "x-bellhop-moved";

/// Where an attempt went.
#[derive(Debug)]
struct Sent {
    bucket: Option<String>,
    region: Option<String>,
}

impl Storable for Sent {
    type Storer = StoreReplace<Self>;
}

/// Has a request that went to the wrong region done again in the right one: notes where each attempt goes, and what is
/// answered.
#[derive(Clone, Debug)]
pub(crate) struct Following {
    pub regions: Arc<Regions>,
}

impl Intercept for Following {
    fn name(&self) -> &'static str {
        "where buckets are"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        let region = request.headers().get("authorization").and_then(signed_for).map(str::to_owned);
        bag.interceptor_state().store_put(Sent { bucket: self.regions.bucket(request.uri()), region });
        Ok(())
    }

    fn modify_before_attempt_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        bag: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(response) = context.response_mut() else { return Ok(()) };
        if !matches!(response.status().as_u16(), 301 | 400) {
            return Ok(());
        }
        let header = response.headers().get("x-amz-bucket-region").map(str::to_owned);
        let told = header.or_else(|| response.body().bytes().and_then(said)).filter(|told| plausible(told));
        if let (Some(told), Some(Sent { bucket: Some(bucket), region: Some(used) })) = (told, bag.load::<Sent>())
            && told != *used
        {
            self.regions.note(bucket.clone(), told);
            response.headers_mut().insert(MARK, "1");
        }
        Ok(())
    }
}

impl ClassifyRetry for Following {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let marked = context.response().is_some_and(|response| response.headers().get(MARK).is_some());
        if marked { RetryAction::server_error() } else { RetryAction::NoActionIndicated }
    }

    fn name(&self) -> &'static str {
        "a bucket in another region"
    }
}

/// The region that an error names in its body.
fn said(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body.get(..body.len().min(4096))?).ok()?;
    if !text.contains("<Code>AuthorizationHeaderMalformed</Code>") {
        return None;
    }
    let region = text.split_once("<Region>")?.1.split_once("</Region>")?.0;
    Some(region.trim().to_owned())
}

/// The region that a request was signed for.
fn signed_for(authorization: &str) -> Option<&str> {
    authorization.split_once("Credential=")?.1.split(',').next()?.split('/').nth_back(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_stands_in_the_host_or_in_the_path() {
        let at = |endpoint: Option<&str>, uri: &str| Regions::new("files.s3", "b", endpoint).bucket(uri);
        for (endpoint, uri, bucket) in [
            (None, "https://my-files.s3.eu-west-1.amazonaws.com/a/b", Some("my-files")),
            (None, "https://my.files.s3.eu-west-1.amazonaws.com/a/b", Some("my.files")),
            (None, "https://s3.eu-west-1.amazonaws.com/my.files/a/b?x", Some("my.files")),
            (None, "https://s3.eu-west-1.amazonaws.com/?x-id=ListBuckets", None),
            (Some("http://127.0.0.1:9000"), "http://127.0.0.1:9000/files?versioning", Some("files")),
            (Some("http://minio.example/s3"), "http://minio.example/s3/files/a", Some("files")),
            (Some("https://minio.example"), "https://files.minio.example/a", Some("files")),
        ] {
            assert_eq!(at(endpoint, uri).as_deref(), bucket, "{uri}");
        }
    }

    #[test]
    fn what_is_told_is_read_with_care() {
        let scope = "AWS4-HMAC-SHA256 Credential=AKID/20261102/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0";
        assert_eq!(signed_for(scope), Some("eu-west-1"));
        assert_eq!(signed_for("Bearer x"), None);
        let body = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>sa-east-1</Region></Error>";
        assert_eq!(said(body.as_bytes()).as_deref(), Some("sa-east-1"));
        assert_eq!(said(b"<Error><Code>Other</Code><Region>sa-east-1</Region></Error>"), None);
        assert!(plausible("us-gov-east-1") && !plausible("evil.example/") && !plausible("x@y") && !plausible(""));
    }

    #[test]
    fn an_address_of_one_region_is_left_behind() {
        let params = |endpoint: &str| Params::builder().bucket("b").region("eu-west-1").endpoint(endpoint).use_fips(true).build().unwrap();
        let there = moved(&params("https://s3.eu-west-1.amazonaws.com"), "sa-east-1").unwrap();
        assert_eq!((there.region(), there.endpoint(), there.use_fips()), (Some("sa-east-1"), None, Some(true)));
        let there = moved(&params("https://minio.example"), "sa-east-1").unwrap();
        assert_eq!((there.region(), there.endpoint()), (Some("sa-east-1"), Some("https://minio.example")));
    }
}

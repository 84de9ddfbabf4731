//! What a file is beside its bytes: type, tags, encryption, and what others wrote about it that a copy keeps.

use crate::seal::Seal;
use crate::store::S3Store;
use aws_sdk_s3::operation::create_multipart_upload::builders::CreateMultipartUploadFluentBuilder;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use bellhop_core::ports::{NewFile, PortResult};
use std::collections::HashMap;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Nature {
    pub content_type: Option<String>,
    pub metadata: Option<HashMap<String, String>>,
    /// As a header has them.
    pub tags: Option<String>,
    pub seal: Seal,
    pub cache_control: Option<String>,
    pub disposition: Option<String>,
    pub encoding: Option<String>,
    pub language: Option<String>,
    pub expires: Option<DateTime>,
}

impl Nature {
    /// That of a new file, if S3 can have it.
    pub fn new(store: &S3Store, operation: &'static str, file: &NewFile) -> PortResult<Self> {
        let seal = store.seal(operation, file.encryption.as_ref())?;
        let tags = store.tags_header(operation, &file.tags)?;
        Ok(Self { content_type: Some(file.content_type.clone()), tags, seal, ..Self::default() })
    }

    /// That of a copy, whose tags are told apart from what HEAD says.
    pub fn of(there: &HeadObjectOutput, tags: Option<String>, seal: Seal) -> Self {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Self {
            content_type: Some(there.content_type().unwrap_or("application/octet-stream").to_owned()),
            metadata: there.metadata().cloned(),
            tags,
            seal,
            cache_control: owned(there.cache_control()),
            disposition: owned(there.content_disposition()),
            encoding: owned(there.content_encoding()),
            language: owned(there.content_language()),
            expires: there.expires_string().and_then(|text| DateTime::from_str(text, DateTimeFormat::HttpDate).ok()),
        }
    }

    /// Puts all of it into the request that begins an upload.
    pub fn begin(&self, request: CreateMultipartUploadFluentBuilder) -> CreateMultipartUploadFluentBuilder {
        let request = request
            .set_content_type(self.content_type.clone())
            .set_metadata(self.metadata.clone())
            .set_tagging(self.tags.clone())
            .set_cache_control(self.cache_control.clone())
            .set_content_disposition(self.disposition.clone())
            .set_content_encoding(self.encoding.clone())
            .set_content_language(self.language.clone())
            .set_expires(self.expires);
        crate::seal::sealed!(request, &self.seal)
    }

    /// The permission that it takes to make such a file.
    pub fn needs(&self) -> &'static str {
        if self.tags.is_some() { "s3:PutObject (and s3:PutObjectTagging for the tags)" } else { "s3:PutObject" }
    }
}

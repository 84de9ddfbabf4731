//! What S3's answers say beyond the SDK's types: the order of elements of different kinds, and elements that the SDK
//! doesn't know. Reads only; what is sent is the SDK's own.

use aws_sdk_s3::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use aws_smithy_xml::decode::{Document, ScopedDecoder, try_data};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The text of an answer, kept when the SDK has read it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Captured(Arc<Mutex<String>>);

impl Captured {
    pub fn text(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Intercept for Captured {
    fn name(&self) -> &'static str {
        "the text of an answer"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(bytes) = context.response().body().bytes() {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = String::from_utf8_lossy(bytes).into_owned();
        }
        Ok(())
    }
}

/// Key and id of every version and mark of a listing, in its order. Nothing where it can't be read.
pub(crate) fn in_order(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut document = Document::new(text);
    let Ok(mut root) = document.root_element() else { return found };
    while let Some(mut element) = root.next_tag() {
        if !matches!(element.start_el().local(), "Version" | "DeleteMarker") {
            continue;
        }
        let (mut key, mut id) = (String::new(), "null".to_owned());
        while let Some(mut part) = element.next_tag() {
            let into = match part.start_el().local() {
                "Key" => &mut key,
                "VersionId" => &mut id,
                _ => continue,
            };
            if let Ok(data) = try_data(&mut part) {
                *into = data.into_owned();
            }
        }
        found.push((key, id));
    }
    found
}

/// The names of all elements of a document, each once; `None` where it can't be read.
pub(crate) fn elements(text: &str) -> Option<BTreeSet<String>> {
    let mut document = Document::new(text);
    let mut root = document.root_element().ok()?;
    let mut names = BTreeSet::from([root.start_el().local().to_owned()]);
    collect(&mut root, &mut names, 0);
    Some(names)
}

fn collect(of: &mut ScopedDecoder<'_, '_>, names: &mut BTreeSet<String>, depth: usize) {
    while let Some(mut element) = of.next_tag() {
        names.insert(element.start_el().local().to_owned());
        if depth < 20 {
            collect(&mut element, names, depth + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_and_names_are_those_of_the_document() {
        let text = r#"<?xml version="1.0"?><ListVersionsResult xmlns="x"><Name>b</Name>
            <DeleteMarker><Key>a&amp;b</Key><VersionId>3</VersionId></DeleteMarker>
            <Version><Key>a&amp;b</Key><VersionId>2</VersionId><Owner><ID>o</ID></Owner></Version>
            <Version><Key>c</Key></Version></ListVersionsResult>"#;
        let pair = |key: &str, id: &str| (key.to_owned(), id.to_owned());
        assert_eq!(in_order(text), [pair("a&b", "3"), pair("a&b", "2"), pair("c", "null")]);
        let names: Vec<String> = elements(text).unwrap().into_iter().collect();
        assert_eq!(names, ["DeleteMarker", "ID", "Key", "ListVersionsResult", "Name", "Owner", "Version", "VersionId"]);
        assert!(in_order("no xml").is_empty() && elements("").is_none());
    }
}

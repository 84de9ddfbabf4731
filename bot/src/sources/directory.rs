//! The configured sources by their names.

use bellhop_core::error::CommandError;
use bellhop_core::ids::SourceName;
use bellhop_core::ports::{AnalyticsSource, Sources};
use std::sync::Arc;

/// The sources, the default one first.
pub struct SourceDirectory(pub Vec<Arc<dyn AnalyticsSource>>);

impl Sources for SourceDirectory {
    fn source(&self, name: Option<&SourceName>) -> Result<Arc<dyn AnalyticsSource>, CommandError> {
        let found = match name {
            None => self.0.first(),
            Some(name) => self.0.iter().find(|source| source.name() == name),
        };
        let names = self.names();
        let known = names.iter().map(SourceName::as_str);
        found.cloned().ok_or_else(|| crate::platforms::not_configured("source", name.map(SourceName::as_str), known))
    }

    fn names(&self) -> Vec<SourceName> {
        self.0.iter().map(|source| source.name().clone()).collect()
    }
}

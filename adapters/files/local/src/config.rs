//! The keys of `[files.NAME]` with `kind = "local"`.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A folder as a file store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalConfig {
    /// The folder, absolute or relative to where Bellhop was started; made if it isn't there. The files lie in its
    /// subfolder `files` under their own names.
    pub path: PathBuf,
    /// Whether what is overwritten or deleted is kept as an older version, so that it can be restored. Without it a
    /// deletion is final. Versions that are there already stay.
    #[serde(default = "yes")]
    pub versions: bool,
}

const fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::LocalConfig;

    #[test]
    fn keeps_versions_unless_told_otherwise() {
        let config: LocalConfig = serde_json::from_str(r#"{"path": "data/files"}"#).unwrap();
        assert!(config.versions);
        let wrong = serde_json::from_str::<LocalConfig>(r#"{"path": "x", "version": false}"#).unwrap_err().to_string();
        assert!(wrong.contains("unknown field `version`"), "{wrong}");
    }
}

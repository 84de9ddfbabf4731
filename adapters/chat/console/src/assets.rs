//! The page's own files, part of the binary. Their addresses carry a hash of all of them, so that a browser may keep them
//! for ever and has the new ones after an update.

use sha2::{Digest as _, Sha256};
use std::sync::LazyLock;

/// A file of the page.
pub(crate) struct Asset {
    pub name: &'static str,
    pub content_type: &'static str,
    pub bytes: &'static [u8],
}

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// All of them.
pub(crate) const ASSETS: &[Asset] = &[
    Asset { name: "htmx.js", content_type: SCRIPT, bytes: include_bytes!("../assets/vendor/htmx-2.0.11.min.js") },
    Asset { name: "htmx-sse.js", content_type: SCRIPT, bytes: include_bytes!("../assets/vendor/htmx-ext-sse-2.2.4.min.js") },
    Asset { name: "theme.js", content_type: SCRIPT, bytes: include_bytes!("../assets/theme.js") },
    Asset { name: "console.js", content_type: SCRIPT, bytes: include_bytes!("../assets/console.js") },
    Asset { name: "composer.js", content_type: SCRIPT, bytes: include_bytes!("../assets/composer.js") },
    Asset { name: "drop.js", content_type: SCRIPT, bytes: include_bytes!("../assets/drop.js") },
    Asset { name: "log.js", content_type: SCRIPT, bytes: include_bytes!("../assets/log.js") },
    Asset { name: "page.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("../assets/page.css") },
    Asset { name: "message.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("../assets/message.css") },
    Asset { name: "bell.svg", content_type: "image/svg+xml", bytes: include_bytes!("../assets/bell.svg") },
];

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    for asset in ASSETS {
        hash.update(asset.bytes);
    }
    hex::encode(hash.finalize())[..12].to_owned()
});

/// Where a file is.
pub(crate) fn address(name: &str) -> String {
    format!("/console/assets/{}/{name}", *VERSION)
}

/// A file by its name.
pub(crate) fn find(name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.name == name)
}

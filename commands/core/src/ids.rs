//! Names and identifiers as types of their own, so that one can't be passed where another is meant.

/// Declares a newtype over a string that serialises as the plain string.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ok(Self(text.to_owned()))
            }
        }
    };
}

name! {
    /// The name of a configured chat connection, the NAME of `[chat.NAME]`.
    ChatName
}
name! {
    /// A workspace, server or tenant of a chat platform, by the platform's own identifier.
    WorkspaceId
}
name! {
    /// A channel or a direct conversation, by the platform's own identifier.
    ChannelId
}
name! {
    /// A thread within a channel, by the platform's own identifier.
    ThreadId
}
name! {
    /// A posted message, by the platform's own identifier.
    MessageId
}
name! {
    /// A person on one platform, by the platform's own identifier.
    UserId
}
name! {
    /// The name of a configured file store, the NAME of `[files.NAME]`.
    StoreName
}
name! {
    /// The name of a configured analytics source, the NAME of `[analytics.NAME]`, or `events`.
    SourceName
}
name! {
    /// One call of a command. It names the inbox row, the audit row and the card that answers.
    CallId
}
name! {
    /// What the sender of an event calls it (a trigger id, an interaction id, a request's own key). The same key
    /// from the same sender is the same event.
    EventKey
}
name! {
    /// One message to be delivered once. Platforms with a look-up are asked for it before anything is sent again.
    DeliveryKey
}
name! {
    /// A card that lives on: whatever is delivered under the same key to the same place changes the card in place.
    CardKey
}
name! {
    /// What makes two alerts the same alert: a hash over its labels, or what the sender says.
    Fingerprint
}
name! {
    /// A version of a stored file, by the store's own identifier.
    VersionId
}
name! {
    /// An upload in parts, by the store's own identifier.
    UploadId
}

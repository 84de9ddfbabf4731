//! Permissions: their bits, and what a member may do in a channel.
//!
//! <https://docs.discord.com/developers/topics/permissions>

use super::ids::Id;
use super::records::{Channel, Guild};
use super::state::State;

/// The bits that the world looks at, by their names.
pub mod permission {
    #![expect(missing_docs, reason = "the vendor's own names")]
    pub const CREATE_INSTANT_INVITE: u64 = 1;
    pub const ADMINISTRATOR: u64 = 1 << 3;
    pub const MANAGE_CHANNELS: u64 = 1 << 4;
    pub const MANAGE_GUILD: u64 = 1 << 5;
    pub const ADD_REACTIONS: u64 = 1 << 6;
    pub const VIEW_CHANNEL: u64 = 1 << 10;
    pub const SEND_MESSAGES: u64 = 1 << 11;
    pub const MANAGE_MESSAGES: u64 = 1 << 13;
    pub const EMBED_LINKS: u64 = 1 << 14;
    pub const ATTACH_FILES: u64 = 1 << 15;
    pub const READ_MESSAGE_HISTORY: u64 = 1 << 16;
    pub const MENTION_EVERYONE: u64 = 1 << 17;
    pub const MANAGE_ROLES: u64 = 1 << 28;
    pub const MANAGE_WEBHOOKS: u64 = 1 << 29;
    pub const USE_APPLICATION_COMMANDS: u64 = 1 << 31;
    pub const MANAGE_THREADS: u64 = 1 << 34;
    pub const CREATE_PUBLIC_THREADS: u64 = 1 << 35;
    pub const CREATE_PRIVATE_THREADS: u64 = 1 << 36;
    pub const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;
    pub const PIN_MESSAGES: u64 = 1 << 51;
}

use permission::{
    ADD_REACTIONS, ADMINISTRATOR, ATTACH_FILES, CREATE_INSTANT_INVITE, CREATE_PUBLIC_THREADS, EMBED_LINKS, MENTION_EVERYONE,
    READ_MESSAGE_HISTORY, SEND_MESSAGES, SEND_MESSAGES_IN_THREADS, USE_APPLICATION_COMMANDS, VIEW_CHANNEL,
};

/// What a bot for operations needs: bits 4, 6, 10, 11, 13 to 16, 28, 29, 31, 34 to 36, 38 and 51.
pub const CHAT_OPS: u64 = 2_252_197_903_592_528;

/// What `@everyone` may do in a new guild, as far as the world looks at it.
pub const EVERYONE: u64 = CREATE_INSTANT_INVITE
    | ADD_REACTIONS
    | VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY
    | MENTION_EVERYONE
    | USE_APPLICATION_COMMANDS
    | CREATE_PUBLIC_THREADS
    | SEND_MESSAGES_IN_THREADS;

/// All bits that there are.
pub(super) const ALL: u64 = (1 << 53) - 1;

impl Guild {
    /// What a member may do in the guild as a whole.
    pub(super) fn base_permissions(&self, user: Id) -> u64 {
        if self.owner == user {
            return ALL;
        }
        let Some(member) = self.members.get(&user) else { return 0 };
        let roles = self.roles.iter().filter(|role| role.id == self.id || member.roles.contains(&role.id));
        let bits = roles.fold(0, |bits, role| bits | role.permissions);
        if bits & ADMINISTRATOR == 0 { bits } else { ALL }
    }

    /// The place of a member's highest role.
    pub(super) fn rank(&self, user: Id) -> u64 {
        if self.owner == user {
            return u64::MAX;
        }
        let Some(member) = self.members.get(&user) else { return 0 };
        self.roles.iter().filter(|role| member.roles.contains(&role.id)).map(|role| role.position).max().unwrap_or(0)
    }
}

impl State {
    /// What a member may do in a channel; in a thread what they may do where it hangs.
    pub(super) fn permissions(&self, channel: &Channel, user: Id) -> u64 {
        let Some(guild) = channel.guild.and_then(|id| self.guilds.get(&id)) else {
            return if channel.recipients.contains(&user) { ALL } else { 0 };
        };
        let base = guild.base_permissions(user);
        if base == ALL || !guild.members.contains_key(&user) {
            return base;
        }
        let home = if channel.kind.is_thread() { channel.parent.and_then(|id| self.channels.get(&id)) } else { Some(channel) };
        let Some(home) = home else { return 0 };
        let roles = guild.members.get(&user).map(|member| member.roles.clone()).unwrap_or_default();
        let mut bits = base;
        if let Some(all) = home.overwrites.iter().find(|overwrite| overwrite.id == guild.id) {
            bits = (bits & !all.deny) | all.allow;
        }
        let of_roles = || home.overwrites.iter().filter(|overwrite| !overwrite.member && roles.contains(&overwrite.id));
        let (deny, allow) = of_roles().fold((0, 0), |(deny, allow), one| (deny | one.deny, allow | one.allow));
        bits = (bits & !deny) | allow;
        if let Some(own) = home.overwrites.iter().find(|overwrite| overwrite.member && overwrite.id == user) {
            bits = (bits & !own.deny) | own.allow;
        }
        if bits & VIEW_CHANNEL == 0 {
            return 0;
        }
        if channel.private_thread() && !channel.thread_members.contains(&user) && bits & permission::MANAGE_THREADS == 0 {
            return 0;
        }
        bits
    }

    /// Whether a person sees a channel at all.
    pub(super) fn sees(&self, channel: &Channel, user: Id) -> bool {
        self.permissions(channel, user) & VIEW_CHANNEL != 0
    }
}

//! The channels: kept in the records, each name taken once, so that two processes can't make the same channel. A
//! person's conversation with the bot is no channel; it is always there.

use crate::Desk;
use crate::address::{MessageRef, WORKSPACE, channel_name, direct, direct_person, is_channel};
use crate::config::is_id;
use crate::message::{Change, Room};
use bellhop_core::address::Address;
use bellhop_core::error::PortErrorKind;
use bellhop_core::ids::{ChannelId, UserId};
use bellhop_core::ports::{Channel, PortResult};

impl Desk {
    /// Makes the configured channels, unless they were made before: one that was renamed or closed stays so.
    pub(crate) async fn open_rooms(&self) -> PortResult<()> {
        self.opened
            .get_or_try_init(|| async {
                for name in &self.config.channels {
                    if self.book.get::<Room>("channels", name).await?.is_none() {
                        self.make_room(name.clone(), name, false, Vec::new()).await?;
                    }
                }
                Ok(())
            })
            .await
            .copied()
    }

    async fn make_room(&self, id: String, name: &str, private: bool, members: Vec<UserId>) -> PortResult<Option<Room>> {
        let (_, new) = self.book.put_new("names", name, &id).await?;
        if !new {
            return Ok(None);
        }
        let room = Room { id, name: name.to_owned(), topic: String::new(), private, archived: false, members };
        let (room, _) = self.book.put_new("channels", &room.id.clone(), &room).await?;
        self.book.log(&Change::Channels).await?;
        Ok(Some(room))
    }

    /// Every channel: those of the configuration first and in its order, then the others by name.
    pub(crate) async fn rooms(&self) -> PortResult<Vec<Room>> {
        self.open_rooms().await?;
        let collection = self.book.collection("channels");
        let (mut rooms, mut after) = (Vec::<Room>::new(), None);
        loop {
            let page = self.book.records.after(&collection, after.as_deref(), 500).await?;
            let last = page.len() < 500;
            for record in page {
                after = Some(record.key);
                rooms.push(self.book.read(record.value)?);
            }
            if last {
                break;
            }
        }
        let place = |room: &Room| self.config.channels.iter().position(|name| *name == room.id).unwrap_or(usize::MAX);
        rooms.sort_by(|a, b| place(a).cmp(&place(b)).then_with(|| a.name.cmp(&b.name)));
        Ok(rooms)
    }

    /// A channel by its id, or a person's conversation as a channel of one.
    pub(crate) async fn room(&self, id: &ChannelId) -> PortResult<Option<Room>> {
        if !is_channel(id.as_str()) {
            return Ok(None);
        }
        if let Some(person) = direct_person(id) {
            let known = self.config.people.iter().find(|known| known.id == person);
            return Ok(known.map(|_| Room {
                id: id.to_string(),
                name: "Bellhop".into(),
                topic: String::new(),
                private: true,
                archived: false,
                members: vec![person],
            }));
        }
        self.open_rooms().await?;
        self.book.get("channels", id.as_str()).await
    }

    pub(crate) async fn room_of(&self, at: &MessageRef) -> PortResult<Option<Room>> {
        self.room(&at.channel).await
    }

    /// The room at an address, or a clear refusal.
    pub(crate) async fn room_at(&self, at: &Address, operation: &'static str) -> PortResult<Room> {
        let found = if at.workspace.as_str() == WORKSPACE && at.chat == *self.book.chat() { self.room(&at.channel).await? } else { None };
        found.ok_or_else(|| {
            self.book.error(
                PortErrorKind::NotFound,
                operation,
                format!("there is no channel `{}`; /channel list shows what there is", at.channel),
            )
        })
    }

    pub(crate) fn channel(&self, room: &Room) -> Channel {
        Channel {
            address: Address::channel(self.book.chat().clone(), WORKSPACE, room.id.as_str()),
            name: room.name.clone(),
            topic: room.topic.clone(),
            private: room.private,
            archived: room.archived,
        }
    }

    /// A channel of one's own making.
    async fn kept_room(&self, at: &Address, operation: &'static str) -> PortResult<Room> {
        let room = self.room_at(at, operation).await?;
        if at.channel.as_str().starts_with('@') {
            return Err(self.book.error(PortErrorKind::Invalid, operation, "a direct conversation stays as it is; name a channel"));
        }
        Ok(room)
    }

    async fn keep_room(&self, room: &Room) -> PortResult<()> {
        self.book.put("channels", &room.id, room).await?;
        self.book.log(&Change::Channels).await
    }

    pub(crate) async fn create_room(&self, name: &str, private: bool) -> PortResult<Channel> {
        self.open_rooms().await?;
        let name = channel_name(name).map_err(|why| self.book.error(PortErrorKind::Invalid, "create", why))?;
        let free = is_id(&name) && self.book.get::<Room>("channels", &name).await?.is_none();
        let id = if free { name.clone() } else { self.book.ids.next() };
        // A private channel begins with those who may administer: nobody else could see that it is there.
        let members =
            self.config.people.iter().filter(|p| private && p.access == bellhop_core::Access::Admin).map(|p| p.id.clone()).collect();
        let room = self.make_room(id, &name, private, members).await?;
        room.map(|room| self.channel(&room)).ok_or_else(|| {
            self.book.error(PortErrorKind::Conflict, "create", format!("there is a channel `{name}` already; choose another name"))
        })
    }

    pub(crate) async fn archive_room(&self, at: &Address) -> PortResult<()> {
        let mut room = self.kept_room(at, "archive").await?;
        if room.archived {
            return Ok(());
        }
        room.archived = true;
        self.keep_room(&room).await
    }

    pub(crate) async fn rename_room(&self, at: &Address, name: &str) -> PortResult<Channel> {
        let mut room = self.kept_room(at, "rename").await?;
        let name = channel_name(name).map_err(|why| self.book.error(PortErrorKind::Invalid, "rename", why))?;
        if name == room.name {
            return Ok(self.channel(&room));
        }
        let (owner, new) = self.book.put_new("names", &name, &room.id).await?;
        if !new && owner != room.id {
            return Err(self.book.error(
                PortErrorKind::Conflict,
                "rename",
                format!("there is a channel `{name}` already; choose another name"),
            ));
        }
        let before = std::mem::replace(&mut room.name, name);
        self.keep_room(&room).await?;
        self.book.remove("names", &before).await?;
        Ok(self.channel(&room))
    }

    pub(crate) async fn set_room_topic(&self, at: &Address, topic: &str) -> PortResult<()> {
        let mut room = self.kept_room(at, "topic").await?;
        room.topic = bellhop_core::text::shorten(bellhop_core::text::one_line(topic).trim(), 250);
        self.keep_room(&room).await
    }

    pub(crate) async fn invite_to_room(&self, at: &Address, people: &[String]) -> PortResult<()> {
        let mut room = self.kept_room(at, "invite").await?;
        for wanted in people {
            let person = self.find_person(wanted).ok_or_else(|| {
                let known: Vec<&str> = self.config.people.iter().map(|p| p.id.as_str()).collect();
                let shown = bellhop_core::text::shorten(&bellhop_core::text::one_line(wanted), 60);
                self.book.error(PortErrorKind::NotFound, "invite", format!("there is no person `{shown}`; there are {}", known.join(", ")))
            })?;
            if !room.members.contains(&person.id) {
                room.members.push(person.id.clone());
            }
        }
        self.keep_room(&room).await
    }

    /// A person by id, mention or name, whatever the capitals.
    pub(crate) fn find_person(&self, wanted: &str) -> Option<&crate::config::Person> {
        let wanted = wanted.trim().trim_start_matches('@').to_lowercase();
        let by = |text: &str| text.to_lowercase() == wanted;
        self.config.people.iter().find(|p| by(p.id.as_str())).or_else(|| self.config.people.iter().find(|p| by(&p.name)))
    }

    pub(crate) async fn find_place(&self, workspace: Option<&str>, name: &str, is_direct: bool) -> PortResult<Option<Address>> {
        if workspace.is_some_and(|workspace| workspace != WORKSPACE) {
            return Ok(None);
        }
        let address = |channel: ChannelId| Address::channel(self.book.chat().clone(), WORKSPACE, channel);
        if is_direct {
            return Ok(self.find_person(name).map(|person| address(direct(&person.id))));
        }
        let name = name.trim().trim_start_matches('#');
        if let Some(person) = name.strip_prefix('@') {
            return Ok(self.find_person(person).map(|person| address(direct(&person.id))));
        }
        let rooms = self.rooms().await?;
        let lower = name.to_lowercase();
        let room = rooms.iter().find(|room| room.name == lower).or_else(|| rooms.iter().find(|room| room.id == name));
        Ok(room.map(|room| address(ChannelId::from(room.id.as_str()))))
    }
}

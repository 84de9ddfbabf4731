//! Meetings in memory, kept among what was done to the chat.

use super::chat::Chat;
use async_trait::async_trait;
use bellhop_core::ports::{Meeting, Meetings, NewMeeting, PortResult};

impl Chat {
    /// The meetings that are on.
    pub fn meetings(&self) -> Vec<NewMeeting> {
        let notes = self.0.lock().unwrap();
        notes.iter().filter_map(|note| serde_json::from_str(note.strip_prefix("meeting ")?).ok()).collect()
    }

    fn keep(&self, meeting: &NewMeeting) {
        self.drop_meeting(&meeting.key);
        self.0.lock().unwrap().push(format!("meeting {}", serde_json::to_string(meeting).unwrap()));
    }

    fn drop_meeting(&self, key: &str) {
        let named = format!("\"key\":\"{key}\"");
        self.0.lock().unwrap().retain(|note| !(note.starts_with("meeting ") && note.contains(&named)));
    }
}

#[async_trait]
impl Meetings for Chat {
    async fn schedule(&self, meeting: &NewMeeting) -> PortResult<Meeting> {
        self.keep(meeting);
        Ok(Meeting {
            id: meeting.key.clone(),
            join_url: format!("https://meet.example/{}", meeting.key),
            organizer: "Ann".into(),
            invited: !meeting.attendees.is_empty(),
        })
    }
    async fn change(&self, id: &str, meeting: &NewMeeting) -> PortResult<Meeting> {
        assert_eq!(id, meeting.key);
        self.schedule(meeting).await
    }
    async fn cancel(&self, id: &str) -> PortResult<()> {
        self.drop_meeting(id);
        Ok(())
    }
}

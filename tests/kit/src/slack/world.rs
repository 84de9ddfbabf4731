//! The test's hand on the world.

use super::delivery::{Delivery, Forgery, Kind, Target, signed, written};
use super::ledger::{Behaviour, Ledger};
use super::person::Person;
use super::server::{self, World};
use super::settings::{ChannelSpec, PersonSpec, Settings, WorkspaceSpec};
use super::state::State;
use crate::http::Answer;
use serde_json::{Value, json};
use std::sync::PoisonError;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A Slack in this process, on a free port of loopback, until it is dropped.
pub struct SlackWorld {
    pub(super) world: World,
    url: String,
    _stop: DropGuard,
}

impl std::fmt::Debug for SlackWorld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SlackWorld({})", self.url)
    }
}

impl SlackWorld {
    /// Starts one with the workspace `acme`, as [`WorkspaceSpec::new`] describes it.
    ///
    /// # Errors
    /// No port can be had.
    pub async fn start() -> Result<Self, String> {
        Self::start_with(Settings::default()).await
    }

    /// Starts one of these settings.
    ///
    /// # Errors
    /// No port can be had.
    pub async fn start_with(settings: Settings) -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
        let url = format!("http://{}", listener.local_addr().map_err(|error| error.to_string())?);
        let stop = CancellationToken::new();
        let world = World::new(State::new(settings, url.clone()), stop.clone());
        let serving = world.clone();
        world.spawn(async move {
            let _ = server::serve(listener, serving).await;
        });
        let posting = world.clone();
        world.spawn(async move {
            loop {
                posting.change(super::methods::due);
                // The world's clock may stand still or run; the look is in the machine's time.
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        Ok(Self { world, url, _stop: stop.drop_guard() })
    }

    /// Its origin, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The Web API: the bot's `api_url`.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}/api", self.url)
    }

    /// The bot's token in the first workspace: the newest that still works.
    ///
    /// # Panics
    /// When the app isn't installed there.
    #[must_use]
    pub fn bot_token(&self) -> String {
        self.bot_token_of(&self.team_id())
    }

    /// The bot's token in a workspace.
    ///
    /// # Panics
    /// When the app isn't installed there.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that asks for a token where there is none is wrong")]
    pub fn bot_token_of(&self, team: &str) -> String {
        let state = self.world.state();
        let good = state.tokens.iter().filter(|(_, token)| token.team == team && !token.app_level && token.revoked.is_none());
        good.max_by_key(|(_, token)| token.number).map(|(token, _)| token.clone()).expect("the app is installed in the workspace")
    }

    /// The app's own token, for Socket Mode.
    #[must_use]
    pub fn app_token(&self) -> String {
        self.world.state().app.level_token.clone()
    }

    /// The secret that deliveries are signed with.
    #[must_use]
    pub fn signing_secret(&self) -> String {
        self.world.state().app.signing_secret.clone()
    }

    /// From now on deliveries are signed with a new secret; returns it.
    #[must_use]
    pub fn change_signing_secret(&self) -> String {
        let mut state = self.world.state();
        state.app.signing_secret = state.ids.secret();
        state.app.signing_secret.clone()
    }

    /// The app's public id in OAuth.
    #[must_use]
    pub fn client_id(&self) -> String {
        self.world.state().app.client_id.clone()
    }

    /// Its secret.
    #[must_use]
    pub fn client_secret(&self) -> String {
        self.world.state().app.client_secret.clone()
    }

    /// The app's id, `A…`.
    #[must_use]
    pub fn app_id(&self) -> String {
        self.world.state().app.id.clone()
    }

    /// The first workspace's id, `T…`.
    #[must_use]
    pub fn team_id(&self) -> String {
        self.world.state().teams.first().map(|team| team.id.clone()).unwrap_or_default()
    }

    /// A workspace's id by its short name.
    #[must_use]
    pub fn team(&self, name: &str) -> Option<String> {
        self.world.state().teams.iter().find(|team| team.name == name).map(|team| team.id.clone())
    }

    /// The bot's own person in the first workspace, `U…`.
    #[must_use]
    pub fn bot_user(&self) -> String {
        let team = self.team_id();
        self.world.state().bot_of(&team)
    }

    /// A person of the first workspace by short name.
    ///
    /// # Panics
    /// When there is nobody of that name.
    #[must_use]
    pub fn person(&self, name: &str) -> Person {
        self.person_in(&self.team_id(), name)
    }

    /// A person of a workspace.
    ///
    /// # Panics
    /// When there is nobody of that name.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that calls for somebody who isn't there is wrong")]
    pub fn person_in(&self, team: &str, name: &str) -> Person {
        let state = self.world.state();
        let found = state.users.iter().find(|user| user.team == team && user.spec.name == name && !user.bot);
        let id = found.map(|user| user.id.clone()).expect("there is a person of this name");
        Person { world: self.world.clone(), id, team: team.to_owned(), name: name.to_owned() }
    }

    /// A channel's id by its name, in the first workspace.
    ///
    /// # Panics
    /// When there is none of that name.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that names a channel that isn't there is wrong")]
    pub fn channel(&self, name: &str) -> String {
        let team = self.team_id();
        let name = name.trim_start_matches('#');
        let state = self.world.state();
        let found = state.channels.iter().find(|channel| channel.team == team && (channel.name == name || channel.id == name));
        found.map(|channel| channel.id.clone()).expect("there is a channel of this name")
    }

    /// A new workspace; its id.
    #[must_use]
    pub fn add_workspace(&self, spec: &WorkspaceSpec) -> String {
        self.world.change(|state| state.add_workspace(spec))
    }

    /// A new person in the first workspace.
    #[must_use]
    pub fn add_person(&self, spec: PersonSpec) -> Person {
        let (team, name) = (self.team_id(), spec.name.clone());
        let id = self.world.change(|state| state.add_person(&team, spec));
        Person { world: self.world.clone(), id, team, name }
    }

    /// A new channel in the first workspace; its id.
    #[must_use]
    pub fn add_channel(&self, spec: &ChannelSpec) -> String {
        let team = self.team_id();
        self.world.change(|state| state.add_channel(&team, spec))
    }

    /// From now on everything is delivered to this address.
    pub fn deliver_over_http(&self, url: &str) {
        *self.world.target.lock().unwrap_or_else(PoisonError::into_inner) = Target::Http(url.to_owned());
    }

    /// From now on everything is delivered over the app's sockets.
    pub fn deliver_over_sockets(&self) {
        *self.world.target.lock().unwrap_or_else(PoisonError::into_inner) = Target::Sockets;
    }

    /// From now on nothing is delivered.
    pub fn deliver_nowhere(&self) {
        *self.world.target.lock().unwrap_or_else(PoisonError::into_inner) = Target::Nowhere;
    }

    /// Every attempt to deliver so far.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.world.deliveries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends this payload to an address as one request, wrong in the way that is asked for, and returns the answer.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn send(&self, url: &str, kind: Kind, payload: &Value, forgery: Forgery) -> Result<Answer, String> {
        let (body, content_type) = written(kind, payload);
        self.send_raw(url, body.as_bytes(), content_type, &[], forgery).await
    }

    /// The same with any body and more headers (`X-Slack-Retry-Num`).
    ///
    /// # Errors
    /// There was no answer.
    pub async fn send_raw(
        &self,
        url: &str,
        body: &[u8],
        content_type: &str,
        headers: &[(&str, String)],
        forgery: Forgery,
    ) -> Result<Answer, String> {
        let sent = signed(&self.world, url, body, content_type, headers, forgery, Duration::from_secs(10)).await;
        sent.map_err(|failure| format!("{failure:?}"))
    }

    /// Verifies an address as Slack does when it is entered: the challenge has to come back within three seconds.
    ///
    /// # Errors
    /// It didn't, or came back changed.
    pub async fn verify_url(&self, url: &str) -> Result<(), String> {
        let challenge = self.world.state().ids.secret();
        let payload = json!({ "token": "deprecated", "challenge": challenge, "type": "url_verification" });
        let answer = self.send(url, Kind::Event, &payload, Forgery::None).await?;
        let kind = answer.header("content-type").unwrap_or_default();
        let back = if kind.starts_with("application/json") {
            serde_json::from_slice::<Value>(&answer.body).ok().and_then(|value| value["challenge"].as_str().map(str::to_owned))
        } else if kind.starts_with("application/x-www-form-urlencoded") {
            super::args::pairs(&answer.body).into_iter().find(|(name, _)| name == "challenge").map(|(_, value)| value)
        } else {
            Some(answer.text())
        };
        if answer.status == 200 && back.as_deref() == Some(&challenge) && answer.elapsed < Duration::from_secs(3) {
            Ok(())
        } else {
            Err(format!("the challenge didn't come back: {} {:?} after {:?}", answer.status, answer.text(), answer.elapsed))
        }
    }

    /// Looks whether the address is there, as Slack does for distributed apps.
    ///
    /// # Errors
    /// The answer is not 200.
    pub async fn check_ssl(&self, url: &str) -> Result<(), String> {
        let answer = self.send_raw(url, b"ssl_check=1&token=deprecated", "application/x-www-form-urlencoded", &[], Forgery::None).await?;
        if answer.status == 200 { Ok(()) } else { Err(format!("the answer is {}", answer.status)) }
    }

    /// From now on calls are treated so, and no other way.
    pub fn behave(&self, behaviour: Behaviour) {
        let mut state = self.world.state();
        state.behaviours = vec![(behaviour, 0)];
        state.treated = 0;
    }

    /// The same beside what was asked for before: the first that fits a call counts.
    pub fn also_behave(&self, behaviour: Behaviour) {
        self.world.state().behaviours.push((behaviour, 0));
    }

    /// From now on calls are treated well.
    pub fn behave_well(&self) {
        self.world.state().behaviours.clear();
    }

    /// What reached the world so far.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.world.state().ledger.clone()
    }

    /// Changes the settings while the world runs: limits, page sizes, retries.
    pub fn tune(&self, change: impl FnOnce(&mut Settings)) {
        let mut state = self.world.state();
        change(&mut state.settings);
    }

    /// Takes the bot's scopes away, in all its tokens, and gives it these.
    pub fn grant(&self, scopes: &[&str]) {
        let scopes: Vec<String> = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        let mut state = self.world.state();
        state.settings.scopes.clone_from(&scopes);
        for token in state.tokens.values_mut().filter(|token| !token.app_level) {
            token.scopes.clone_from(&scopes);
        }
    }

    /// Takes these scopes away from the bot.
    pub fn revoke_scopes(&self, gone: &[&str]) {
        let kept: Vec<String> =
            self.world.state().settings.scopes.iter().filter(|scope| !gone.contains(&scope.as_str())).cloned().collect();
        let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
        self.grant(&kept);
    }
}

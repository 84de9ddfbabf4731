//! The test's hand on the world.

use super::delivery::{Delivery, posted};
use super::keys::Forgery;
use super::ledger::{Behaviour, Ledger};
use super::person::Person;
use super::server::{self, World};
use super::settings::{ChannelSpec, PersonSpec, Settings, TeamSpec};
use super::state::{State, Workflow};
use crate::http::Answer;
use serde_json::Value;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A Teams tenant in this process, on free ports of loopback, until it is dropped.
pub struct TeamsWorld {
    pub(super) world: World,
    url: String,
    stranger: String,
    _stop: DropGuard,
}

impl std::fmt::Debug for TeamsWorld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TeamsWorld({})", self.url)
    }
}

impl TeamsWorld {
    /// Starts one with the tenant that [`Settings::default`] describes.
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
        let bind = async || TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string());
        let at = |listener: &TcpListener| listener.local_addr().map(|at| format!("http://{at}")).map_err(|error| error.to_string());
        let (listener, other) = (bind().await?, bind().await?);
        let (url, stranger) = (at(&listener)?, at(&other)?);
        let stop = CancellationToken::new();
        let world = World::new(State::new(settings, url.clone()), stop.clone());
        let (serving, aside) = (world.clone(), world.clone());
        world.spawn(async move {
            let _ = server::serve(listener, serving).await;
        });
        world.spawn(async move {
            let _ = server::stranger(other, aside).await;
        });
        Ok(Self { world, url, stranger, _stop: stop.drop_guard() })
    }

    /// Its origin, `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The token service: the bot's `login_url`.
    #[must_use]
    pub fn login_url(&self) -> String {
        format!("{}/login", self.url)
    }

    /// The page that tells of the keys: the bot's `openid_url`.
    #[must_use]
    pub fn openid_url(&self) -> String {
        format!("{}/openid/v1/.well-known/openidconfiguration", self.url)
    }

    /// Graph: the bot's `graph_url`.
    #[must_use]
    pub fn graph_url(&self) -> String {
        format!("{}/graph/v1.0", self.url)
    }

    /// Below it are all connectors: an entry of the bot's `service_urls`.
    #[must_use]
    pub fn service_urls(&self) -> String {
        format!("{}/smba/", self.url)
    }

    /// The connector as activities name it.
    #[must_use]
    pub fn service_url(&self) -> String {
        self.world.state().service_url()
    }

    /// A server that is none of the service's, and notes every token that it is shown ([`Ledger::foreign`]).
    #[must_use]
    pub fn stranger_url(&self) -> &str {
        &self.stranger
    }

    /// The app's id.
    #[must_use]
    pub fn app_id(&self) -> String {
        self.world.state().app.clone()
    }

    /// The app's secret.
    #[must_use]
    pub fn app_password(&self) -> String {
        self.world.state().secret.clone()
    }

    /// From now on the app has another secret; returns it.
    #[must_use]
    pub fn change_password(&self) -> String {
        let mut state = self.world.state();
        state.secret = state.ids.opaque(29);
        state.secret.clone()
    }

    /// The tenant's id.
    #[must_use]
    pub fn tenant(&self) -> String {
        self.world.state().tenant.clone()
    }

    /// A token of the cluster that the tenant trusts, in the place of a secret.
    ///
    /// # Panics
    /// When it can't be signed.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the world's own key is good")]
    pub fn federated_token(&self) -> String {
        self.world.state().federated().expect("a signed token")
    }

    /// The address of the machine's own tokens, as machines with a managed identity have it.
    #[must_use]
    pub fn identity_url(&self) -> String {
        format!("{}/metadata/identity/oauth2/token", self.url)
    }

    /// What the bot's section of the configuration says of this world, without its first line.
    #[must_use]
    pub fn config(&self) -> String {
        format!(
            "kind = \"teams\"\napp_id = \"{}\"\napp_password = \"{}\"\ntenant_id = \"{}\"\nlogin_url = \"{}\"\nopenid_url = \"{}\"\n\
             graph_url = \"{}\"\nservice_urls = [\"{}\"]\n",
            self.app_id(),
            self.app_password(),
            self.tenant(),
            self.login_url(),
            self.openid_url(),
            self.graph_url(),
            self.service_urls(),
        )
    }

    /// A person by short name.
    ///
    /// # Panics
    /// When there is nobody of that name.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that calls for somebody who isn't there is wrong")]
    pub fn person(&self, name: &str) -> Person {
        let state = self.world.state();
        let found = state.users.iter().find(|user| user.spec.name == name).expect("there is a person of this name");
        Person { world: self.world.clone(), id: found.id.clone(), object: found.object.clone(), name: name.to_owned() }
    }

    /// The group's id of a team, by which Graph knows it.
    ///
    /// # Panics
    /// When there is no such team.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that names a team that isn't there is wrong")]
    pub fn group(&self, team: &str) -> String {
        self.world.state().teams.iter().find(|one| one.name == team).map(|one| one.group.clone()).expect("there is a team of this name")
    }

    /// The id of a team, by which bots know it: that of its first channel.
    ///
    /// # Panics
    /// When there is no such team.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that names a team that isn't there is wrong")]
    pub fn team(&self, team: &str) -> String {
        self.world.state().teams.iter().find(|one| one.name == team).map(|one| one.id.clone()).expect("there is a team of this name")
    }

    /// The id of a channel or a chat by its name.
    ///
    /// # Panics
    /// When there is none of that name.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that names a channel that isn't there is wrong")]
    pub fn channel(&self, name: &str) -> String {
        let name = name.trim_start_matches('#');
        let state = self.world.state();
        let found = state.conversations.iter().find(|one| !one.gone && (one.name == name || one.id == name));
        found.map(|one| one.id.clone()).expect("there is a channel of this name")
    }

    /// A new person.
    #[must_use]
    pub fn add_person(&self, spec: PersonSpec) -> Person {
        let name = spec.name.clone();
        self.world.state().add_person(spec);
        self.person(&name)
    }

    /// A new team; its id.
    #[must_use]
    pub fn add_team(&self, spec: &TeamSpec) -> String {
        self.world.state().add_team(spec)
    }

    /// A new channel in the first team; its id.
    #[must_use]
    pub fn add_channel(&self, spec: &ChannelSpec) -> String {
        let mut state = self.world.state();
        let team = state.teams.first().map(|team| team.id.clone()).unwrap_or_default();
        state.add_channel(&team, spec)
    }

    /// A webhook of Workflows that posts to a channel; its address, which is the permission.
    #[must_use]
    pub fn add_workflow(&self, channel: &str) -> String {
        let conversation = self.channel(channel);
        let mut state = self.world.state();
        let (id, secret) = (state.ids.opaque(16), state.ids.opaque(32));
        state.workflows.push(Workflow { id: id.clone(), secret: secret.clone(), conversation, on: true });
        format!("{}/workflows/{id}?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig={secret}", self.url)
    }

    /// Turns all webhooks' flows off: they take what they get, and post nothing. Or on again.
    pub fn turn_workflows(&self, on: bool) {
        self.world.state().workflows.iter_mut().for_each(|flow| flow.on = on);
    }

    /// From now on everything is delivered to this address.
    pub fn deliver_to(&self, url: &str) {
        *self.world.target.lock().unwrap_or_else(PoisonError::into_inner) = Some(url.to_owned());
    }

    /// From now on nothing is delivered.
    pub fn deliver_nowhere(&self) {
        *self.world.target.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Every attempt to deliver so far.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.world.deliveries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// An activity as Teams would write it, for [`TeamsWorld::send`]: `kind` by a person in a place.
    ///
    /// # Panics
    /// When the person doesn't see the place.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a test that looks where the person can't look is wrong")]
    pub fn activity(&self, kind: &str, person: &Person, place: &str) -> Value {
        let place = person.place(place).expect("the person looks where they can");
        self.world.state().activity(kind, &person.id, &place)
    }

    /// Sends this activity to an address, with a token that is wrong in the way that is asked for, and returns the answer.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn send(&self, url: &str, activity: &Value, forgery: &Forgery) -> Result<Answer, String> {
        self.send_raw(url, activity.to_string().as_bytes(), activity["serviceUrl"].as_str().unwrap_or_default(), forgery).await
    }

    /// The same with any body.
    ///
    /// # Errors
    /// There was no answer.
    pub async fn send_raw(&self, url: &str, body: &[u8], service_url: &str, forgery: &Forgery) -> Result<Answer, String> {
        let authorization = self.world.state().signed(service_url, forgery);
        posted(&self.world, url, body, authorization, Duration::from_secs(20)).await.map_err(|failure| format!("{failure:?}"))
    }

    /// The header of a good token, for whoever sends many requests by themselves.
    ///
    /// # Panics
    /// When it can't be signed.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the world's own key is good")]
    pub fn authorization(&self) -> String {
        let state = self.world.state();
        state.signed(&state.service_url(), &Forgery::None).expect("a signed token")
    }

    /// From now on the world treats calls so, and in no other way.
    pub fn behave(&self, behaviour: Behaviour) {
        self.world.state().behaviours = vec![(behaviour, 0)];
    }

    /// The world treats calls so, too; the first that fits counts.
    pub fn also_behave(&self, behaviour: Behaviour) {
        self.world.state().behaviours.push((behaviour, 0));
    }

    /// From now on it behaves well.
    pub fn behave_well(&self) {
        self.world.state().behaviours.clear();
    }

    /// What reached the world.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.world.state().ledger.clone()
    }
}

//! Builds everything, starts the tasks, stops them in order.

mod working;

use crate::alerts::routes::Routes;
use crate::alerts::{Desk, Engine, Own, Waiting};
use crate::announcer::OutboxAnnouncer;
use crate::calls::CallBook;
use crate::clock::{RandomIds, SystemClock};
use crate::completion::LiveCompleter;
use crate::config::Config;
use crate::dispatch::{ApprovalDesk, Dispatch};
use crate::front::FrontPage;
use crate::hooks::Webhooks;
use crate::inbox::DurableInbox;
use crate::links::ShortLinks;
use crate::listening::Patience;
use crate::outbox::{GivenUp, Pace};
use crate::platforms::{ChatDirectory, StoreDirectory};
use crate::roles::Roles;
use crate::server;
use crate::sources::{self, FeedPace, OwnUse};
use crate::start::{self, StartError};
use crate::tasks::Tasks;
use crate::usage::Figures;
use crate::wiring::{self, Chat, Parts};
use axum::Router;
use bellhop_catalog::Services;
use bellhop_console::Console;
use bellhop_core::Address;
use bellhop_core::clock::{Clock, Ids};
use bellhop_core::error::CommandError;
use bellhop_core::ports::{AnalyticsSource, Attachments, Inbox, Links, Permissions, Seal, Sources, Stores};
use bellhop_core::registry::Registry;
use bellhop_store::{Events, RunnerGuard, Store};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long the stop waits for what is under way.
const PATIENCE: Duration = Duration::from_secs(8);

/// Builds chats from what adapters are built from.
pub type MoreChats = Arc<dyn Fn(&Parts) -> Vec<Chat> + Send + Sync>;

/// What tests and other programs may replace.
#[derive(Clone)]
pub struct Options {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh identifiers.
    pub ids: Arc<dyn Ids>,
    /// The patience of the outbox.
    pub pace: Pace,
    /// The patience in listening to chats.
    pub patience: Patience,
    /// Chats beside the configured ones, built from the same parts.
    pub chats: Option<MoreChats>,
    /// How long people wait for services that count.
    pub asking: sources::Patience,
    /// The patience in sending events on.
    pub feeding: FeedPace,
    /// Instead of the platforms' own: where attachments come from.
    pub attachments: Option<Arc<dyn Attachments>>,
    /// Whether what was accepted is worked off. A process that only accepts shows what accepting costs.
    pub works: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            pace: Pace::default(),
            patience: Patience::default(),
            chats: None,
            asking: sources::Patience::default(),
            feeding: FeedPace::default(),
            attachments: None,
            works: true,
        }
    }
}

/// A bot that is built.
pub struct App {
    config: Config,
    options: Options,
    store: Store,
    /// What runs commands.
    pub dispatch: Arc<Dispatch>,
    /// The commands.
    pub registry: Arc<Registry>,
    /// Who may do what.
    pub permissions: Arc<dyn Permissions>,
    /// The chats.
    pub chats: Arc<ChatDirectory>,
    console: Option<Arc<Console>>,
    routers: Vec<Router>,
    engine: Arc<Engine>,
    own: Arc<Own>,
    waiting: Arc<Waiting>,
    hooks: Arc<Webhooks>,
    events: Arc<Events>,
    own_use: OwnUse,
    /// The services that are fed with events, own events first.
    fed: Vec<Arc<dyn AnalyticsSource>>,
    stores: Arc<dyn Stores>,
    sources: Arc<dyn Sources>,
    links: Arc<dyn Links>,
    inbox: Arc<dyn Inbox>,
    /// The running calls.
    pub calls: Arc<CallBook>,
    instance: String,
    listener: Option<TcpListener>,
}

/// Where a bot listens, once it does.
pub struct Running {
    /// The address.
    pub address: SocketAddr,
    /// The console's log-in link.
    pub login: Option<String>,
}

impl App {
    /// Builds a bot. With `listen` the port is taken first, so that links name the right one and a taken port is said
    /// before anything else is touched.
    pub async fn build(config: Config, options: Options, listen: bool) -> Result<Self, StartError> {
        wiring::unserved(&config)?;
        let listener = if listen { Some(start::bind(config.frame.server.listen).await?) } else { None };
        let address = listener.as_ref().and_then(|listener| listener.local_addr().ok()).unwrap_or(config.frame.server.listen);
        let here = listener.is_some().then(|| format!("http://{address}"));
        let data_dir = config.data_dir();
        start::make_private_folder(&data_dir)?;
        let (clock, ids) = (options.clock.clone(), options.ids.clone());
        let store = Store::open(&config.database_url(), clock.clone(), ids.clone()).await?;

        let public_url = start::public_url(&config, &store, here).await?;
        let people = wiring::embedded_people(&config)?;
        let permissions: Arc<dyn Permissions> = Arc::new(Roles::new(config.frame.role.clone(), people));
        let inbox: Arc<dyn Inbox> = Arc::new(DurableInbox::new(store.clone()));
        let completer = Arc::new(LiveCompleter::new(permissions.clone(), clock.clone()));
        let seal: Arc<dyn Seal> = Arc::new(start::seal(&config, &store, &data_dir)?);
        let files = wiring::files(&config, &clock, &ids, &seal)?;
        let stores: Arc<dyn Stores> = Arc::new(StoreDirectory::new(files, Arc::new(store.clone())));
        let links: Arc<dyn Links> = Arc::new(ShortLinks::new(store.clone(), stores.clone(), clock.clone(), public_url.clone()));
        let front = Arc::new(FrontPage::new(permissions.clone(), clock.clone()));
        let parts = Parts {
            inbox: inbox.clone(),
            completer: completer.clone(),
            records: Arc::new(store.clone()),
            stores: stores.clone(),
            front: front.clone(),
            links: links.clone(),
            seal,
            public_url,
            clock: clock.clone(),
            ids: ids.clone(),
            data_dir,
            listen: config.frame.server.listen,
        };
        let Chats { console, routers, directory: chats } = Chats::build(&config, &options, &parts)?;

        let (often, deadline) = (config.frame.server.commands_per_minute, config.frame.server.command_deadline.0);
        let counting = sources::gather(wiring::analytics(&config, &parts)?, &store, &clock, options.asking);
        let dispatch = Dispatch::new(permissions.clone(), store.clone(), clock.clone(), ids.clone(), often, deadline);
        dispatch.note(counting.own_use);
        let engine = Arc::new(Engine::new(store.clone(), clock.clone(), ids.clone()).noting(counting.own_use));
        let own = Arc::new(Own::new(engine.clone(), store.clone(), clock.clone()));
        let home = home(console.as_ref());
        let waiting = Arc::new(Waiting::new(engine.clone(), own.clone(), chats.clone(), home, options.pace.look));
        let hooks = Arc::new(Webhooks::new(store.clone(), &parts, chats.clone(), wiring::POSTED));
        let names = chats.all().map(|chat| chat.name().to_string()).collect();
        let calls = Arc::new(CallBook::new(Arc::new(store.clone())));
        let services = Services {
            stores: stores.clone(),
            sources: counting.sources.clone(),
            places: chats.clone(),
            announcer: Arc::new(OutboxAnnouncer::new(store.clone(), ids.clone())),
            attachments: options.attachments.clone().unwrap_or_else(|| chats.clone()),
            links: links.clone(),
            hooks: hooks.clone(),
            alerts: Arc::new(Desk::new(store.clone(), engine.clone())),
            schedules: Arc::new(store.clone()),
            audit: Arc::new(store.clone()),
            usage: Arc::new(Figures::new(store.clone(), stores.clone(), clock.clone(), names).asking(counting.services)),
            feeds: counting.feeds,
            dead_letters: Arc::new(GivenUp(store.clone())),
            permissions: permissions.clone(),
            approvals: Arc::new(ApprovalDesk::new(&dispatch)),
            calls: calls.clone(),
            records: Arc::new(store.clone()),
            platforms: chats.clone(),
            seal: parts.seal.clone(),
            database: Arc::new(store.clone()),
            clock: clock.clone(),
            ids: ids.clone(),
        };
        let sources = services.sources.clone();
        let registry = bellhop_catalog::registry(services);
        dispatch.learn(registry.clone());
        completer.learn(registry.clone());
        front.learn(registry.clone());
        Ok(Self {
            config,
            options,
            store,
            dispatch,
            registry,
            permissions,
            chats,
            console,
            routers,
            engine,
            own,
            waiting,
            hooks,
            events: counting.events,
            own_use: counting.own_use,
            fed: counting.fed,
            stores,
            sources,
            links,
            inbox,
            calls,
            instance: ids.next(),
            listener,
        })
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The file stores.
    #[must_use]
    pub fn stores(&self) -> &Arc<dyn Stores> {
        &self.stores
    }

    /// What counts: the own events and the configured services.
    #[must_use]
    pub fn sources(&self) -> &Arc<dyn Sources> {
        &self.sources
    }

    /// The place that parts of places are looked for near, where nothing else is given.
    #[must_use]
    pub fn home(&self) -> Address {
        home(self.console.as_ref())
    }

    /// Gives the alert engine its routes; what they don't match goes to the embedded chat's own channel. Nothing but that is
    /// looked up here: other platforms may not be reachable.
    async fn set_routes(&self) -> Result<(), StartError> {
        let home = self.home();
        let place = bellhop_core::PlaceRef { chat: Some(home.chat.to_string()), workspace: None, name: "alerts".into(), direct: false };
        let otherwise = bellhop_core::ports::Places::resolve(&*self.chats, &place, &home).await.unwrap_or_else(|_| home.clone());
        let routes = Routes::new(&self.config.frame.route, otherwise).map_err(StartError::Route)?;
        if let Some(console) = &self.console {
            // Its own places need no network; what isn't there is looked for elsewhere, and in the background.
            let own = ChatDirectory::new(vec![console.clone()]);
            for place in routes.destinations() {
                let _ = place.find(&own, &home).await;
            }
        }
        self.engine.route(routes);
        for route in &self.config.frame.route {
            for key in route.without_effect() {
                tracing::warn!(to = ?route.to, "[[route]] {key} has no effect in this version: each alert has its own card, shown at once");
            }
        }
        Ok(())
    }

    /// Prepares a process that runs single commands: the same as running, without the tasks.
    pub async fn stand_by(&self) -> Result<(), StartError> {
        self.set_routes().await
    }

    /// Why places that routes name can't be used.
    pub async fn route_problems(&self) -> Vec<(String, CommandError)> {
        self.waiting.problems().await
    }

    /// Delivers what waits, where no bot runs to do it.
    pub async fn deliver_alone(&self) -> Result<(), StartError> {
        if self.store.runner_alive().await? {
            return Ok(());
        }
        self.outbox().drain().await;
        self.feeder().drain().await;
        Ok(())
    }

    /// Runs until `stop` ends. `started` is told where the bot listens.
    pub async fn run(mut self, stop: impl Future<Output = ()>, started: impl FnOnce(Running) + Send) -> Result<(), StartError> {
        let guard = self.store.try_run(&self.instance).await?.ok_or(StartError::Taken)?;
        self.store.recover(self.options.pace.quarantine).await?;
        self.set_routes().await?;
        let tasks = Tasks::default();
        let listener = self.listener.take().ok_or_else(|| StartError::System("the listener was not opened".into()))?;
        let address = listener.local_addr().map_err(|why| StartError::System(why.to_string()))?;
        // Requests end before the workers do, and the workers before the database.
        let serving = Tasks::default();
        self.serve(listener, &serving);
        if self.options.works {
            self.start_workers(&tasks);
            self.feeder().start(&tasks).await;
        }
        self.start_chats(&serving);
        if let Err(error) = crate::welcome::greet(&self.store, &self.registry, self.home()).await {
            tracing::warn!(%error, "the welcome could not be said");
        }
        let login = match &self.console {
            Some(console) => Some(console.login_link(&format!("http://{address}")).await?),
            None => None,
        };
        started(Running { address, login });
        stop.await;
        tracing::info!("stopping: what is under way is finished first");
        serving.finish(PATIENCE / 4).await;
        tasks.finish(PATIENCE).await;
        self.close(guard).await;
        Ok(())
    }

    async fn close(self, guard: RunnerGuard) {
        drop(guard);
        self.store.close().await;
    }

    fn serve(&mut self, listener: TcpListener, tasks: &Tasks) {
        let services = server::Services {
            store: self.store.clone(),
            events: self.events.clone(),
            engine: self.engine.clone(),
            hooks: self.hooks.clone(),
            stores: self.stores.clone(),
            clock: self.options.clock.clone(),
            ids: self.options.ids.clone(),
            exposed: !self.config.frame.server.listen.ip().is_loopback()
                || self.config.frame.server.public_url.as_deref().is_some_and(|url| url.starts_with("https://")),
        };
        let routes = server::routes(services, std::mem::take(&mut self.routers));
        tasks.start("server", server::serve(listener, routes, tasks.stop()));
    }
}

/// The chats, and what is asked of all of them together.
struct Chats {
    console: Option<Arc<Console>>,
    routers: Vec<Router>,
    directory: Arc<ChatDirectory>,
}

impl Chats {
    fn build(config: &Config, options: &Options, parts: &Parts) -> Result<Self, StartError> {
        let mut built = wiring::chats(config, parts)?;
        built.extend(options.chats.as_ref().map(|more| more(parts)).unwrap_or_default());
        let console = built.iter().find_map(|chat| chat.console.clone());
        let routers = built.iter().map(|chat| chat.routes.clone()).collect();
        Ok(Self { console, routers, directory: Arc::new(ChatDirectory::new(built.into_iter().map(|chat| chat.platform).collect())) })
    }
}

fn home(console: Option<&Arc<Console>>) -> Address {
    let chat = console.map_or_else(|| wiring::EMBEDDED_CHAT.into(), |console| bellhop_core::ports::ChatPlatform::name(&**console).clone());
    Address::channel(chat, "local", "general")
}

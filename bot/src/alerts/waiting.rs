//! Alerts whose place isn't found yet. A platform may be down when the bot starts, or a channel not be there: the alert's
//! card waits in the outbox, in a lane of the place as it is written, and goes on to the place itself once that is found.

use super::engine::Engine;
use super::own::{self, Own};
use super::routes::Destination;
use bellhop_core::Address;
use bellhop_core::error::{CommandError, PortError, PortErrorKind, Retry};
use bellhop_core::ids::Fingerprint;
use bellhop_core::ports::{Places, PortResult, Stop};
use bellhop_store::Claimed;
use std::sync::Arc;
use std::time::Duration;

/// The service named in errors.
const SERVICE: &str = "route";
/// How many times as long to wait for what only people can mend.
const PEOPLE: u32 = 12;

/// Finds places, and brings on what waited for them.
pub struct Waiting {
    engine: Arc<Engine>,
    own: Arc<Own>,
    places: Arc<dyn Places>,
    near: Address,
    look: Duration,
}

impl Waiting {
    /// Places are looked for among these, near `near`, and again after `look`.
    pub fn new(engine: Arc<Engine>, own: Arc<Own>, places: Arc<dyn Places>, near: Address, look: Duration) -> Self {
        Self { engine, own, places, near, look }
    }

    /// Looks for every place that routes name until all are found, or told to stop.
    pub async fn find_all(self: Arc<Self>, stop: Stop) {
        let mut pause = self.look;
        loop {
            let missing: Vec<_> = self.engine.destinations().into_iter().filter(|place| place.found().is_none()).collect();
            let looked = missing.iter().map(|place| async {
                self.find(place).await?;
                self.engine.go_on(place).await.map_err(CommandError::from)
            });
            let found = futures::future::join_all(looked).await;
            if found.iter().all(Result::is_ok) || stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
            pause = (pause * 2).min(self.look * PEOPLE);
        }
    }

    /// Why places that routes name can't be used, each asked for once.
    pub async fn problems(&self) -> Vec<(String, CommandError)> {
        let places = self.engine.destinations();
        let looked = places.iter().map(|place| async {
            let failed = place.find(&*self.places, &self.near).await.err()?;
            Some((place.written().to_owned(), failed))
        });
        futures::future::join_all(looked).await.into_iter().flatten().collect()
    }

    async fn find(&self, place: &Destination) -> Result<Address, CommandError> {
        let found = place.find(&*self.places, &self.near).await;
        match &found {
            Ok(_) => self.own.over(&own::place_key(place.written())).await,
            // What passes by itself is waited for and not told as a trouble.
            Err(CommandError::Port(error)) if error.retry != Retry::No => {
                tracing::warn!(place = place.written(), %error, "the place of a [[route]] can't be looked up yet; trying again");
            }
            Err(error) => self.own.raise(own::no_place(place.written(), &error.to_string())).await,
        }
        found
    }

    /// Brings an alert's card on to the place that it waits for. The card is made anew: the alert may have changed.
    pub async fn forward(&self, row: &Claimed) -> PortResult<()> {
        let fingerprint = row.card_key.as_ref().and_then(|key| key.as_str().strip_prefix(super::engine::CARD)).map(Fingerprint::from);
        let Some(fingerprint) = fingerprint else {
            return Err(PortError::new(PortErrorKind::Broken, SERVICE, "find", "a card of no alert waits for a place of a route"));
        };
        let written = row.to.channel.as_str();
        let to = match self.engine.destinations().into_iter().find(|place| place.written() == written) {
            // Another process looks for it, or this one does in the background: a moment more costs nothing.
            Some(place) => vec![self.find(&place).await.map_err(|error| self.later(written, error))?],
            // The configuration has changed meanwhile: the alert goes where it would go now.
            None => Vec::new(),
        };
        self.engine.show(&fingerprint, &to).await
    }

    /// The same failure, to be tried again and never given up: the alert is kept until its place is there.
    fn later(&self, written: &str, error: CommandError) -> PortError {
        match error {
            CommandError::Port(error) if error.retry != Retry::No => error.after(self.look),
            CommandError::Port(error) => error.after(self.look * PEOPLE),
            other => PortError::not_found(SERVICE, "find", format!("{written}: {other}")).after(self.look * PEOPLE),
        }
    }
}

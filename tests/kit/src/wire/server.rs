//! The server: connections, treatment of each request, and the end.

use super::behaviour::Settings;
use super::link::{Connections, Cut};
use super::routes;
use super::state::{State, Treatment};
use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

/// The state, shared by all requests, and the tasks that they run in.
#[derive(Clone)]
pub(super) struct World {
    state: Arc<Mutex<State>>,
    tasks: TaskTracker,
}

impl World {
    pub(super) fn new(settings: Settings) -> Self {
        Self { state: Arc::new(Mutex::new(State::new(settings))), tasks: TaskTracker::new() }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An answer that is not to be given: the connection is broken in its place.
#[derive(Clone, Copy)]
struct Lost;

/// Serves the world until the process or the task ends.
///
/// # Errors
/// The listener failed.
pub async fn serve(listener: TcpListener, settings: Settings) -> io::Result<()> {
    let world = World::new(settings);
    let app = routes::api(&world).layer(from_fn_with_state(world.clone(), own_task)).merge(routes::control(&world));
    axum::serve(Connections(listener), Router::into_make_service_with_connect_info::<Cut>(app)).await
}

/// Handles the request in a task that outlives its client.
async fn own_task(world: axum::extract::State<World>, ConnectInfo(cut): ConnectInfo<Cut>, request: Request, next: Next) -> Response {
    let answer = world.tasks.spawn(treated(world.0.clone(), request, next)).await;
    match answer {
        Ok(answer) if answer.extensions().get::<Lost>().is_some() => {
            cut.now();
            std::future::pending().await
        }
        Ok(answer) => answer,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn treated(world: World, request: Request, next: Next) -> Response {
    let treatment = world.state().treat();
    let lost = || {
        let mut answer = Response::default();
        answer.extensions_mut().insert(Lost);
        answer
    };
    match treatment {
        Treatment::Well => next.run(request).await,
        Treatment::Reset => lost(),
        Treatment::Refuse(status) => code(status).into_response(),
        Treatment::Badly { think, linger, lose, status, garbage } => {
            tokio::time::sleep(think).await;
            let answer = next.run(request).await;
            tokio::time::sleep(linger).await;
            if lose {
                world.state().ledger.lost_answers += 1;
                return lost();
            }
            match status {
                Some(status) => code(status).into_response(),
                None if garbage => (StatusCode::OK, "<html><body>All is well").into_response(),
                None => answer,
            }
        }
    }
}

pub(super) fn code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

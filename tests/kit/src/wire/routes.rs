//! The world's API, and the test's own way in beside it.

use super::behaviour::Behaviour;
use super::server::{World, code};
use super::state::{Refusal, Room};
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post, put};
use axum::{Json, Router};
use bellhop_core::Card;
use bytes::Bytes;
use futures::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewMessage {
    pub key: String,
    pub card: Card,
    pub only: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Posted {
    pub id: String,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Found {
    pub id: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewUpload {
    pub key: String,
    pub name: String,
    pub size: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRoom {
    pub name: String,
    pub private: bool,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RoomChange {
    pub name: Option<String>,
    pub topic: Option<String>,
    pub archived: Option<bool>,
}

/// How the world refuses: as it would itself, or for the rate.
enum Refused {
    So(Refusal),
    Later(Duration),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::So(refusal)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        match self {
            Self::So((status, word)) => (code(status), Json(json!({ "error": word }))).into_response(),
            // Rounded up to milliseconds: whoever waits exactly as long is never early.
            Self::Later(pause) => {
                let seconds = Duration::from_millis(u64::try_from(pause.as_micros().div_ceil(1000)).unwrap_or(u64::MAX)).as_secs_f64();
                (code(429), [(header::RETRY_AFTER, format!("{seconds:.3}"))], Json(json!({ "error": "rate_limited" }))).into_response()
            }
        }
    }
}

type Answer<T> = Result<Json<T>, Refused>;

pub(super) fn api(world: &World) -> Router {
    Router::new()
        .route("/api/commands", put(commands))
        .route("/api/places", get(place))
        .route("/api/channels", get(rooms).post(create))
        .route("/api/channels/{room}", patch(change))
        .route("/api/channels/{room}/members", post(invite))
        .route("/api/channels/{room}/messages", get(find).post(deliver))
        .route("/api/channels/{room}/messages/{id}", put(revise).delete(retract))
        .route("/api/channels/{room}/files", post(upload))
        .route("/api/files/{id}", get(download))
        .with_state(world.clone())
}

/// What the test asks and says. It is no part of the platform: nothing misbehaves here and nothing is counted.
pub(super) fn control(world: &World) -> Router {
    Router::new()
        .route("/control/ledger", get(|State(world): State<World>| async move { Json(world.state().ledger.clone()) }))
        .route(
            "/control/behaviour",
            put(|State(world): State<World>, Json(behaviour): Json<Behaviour>| async move { world.state().behave(behaviour) }),
        )
        .route(
            "/control/rooms/{room}",
            get(|State(world): State<World>, Path(room): Path<String>| async move {
                Json(world.state().messages.get(&room).cloned().unwrap_or_default())
            }),
        )
        .route("/control/files", post(keep))
        .route(
            "/control/files/{id}",
            get(|State(world): State<World>, Path(id): Path<String>| async move { world.state().files.get(&id).cloned().ok_or(code(404)) }),
        )
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(world.clone())
}

fn known(world: &World, headers: &HeaderMap) -> Result<(), Refused> {
    let expected = format!("Bearer {}", world.state().settings.token);
    if headers.get(header::AUTHORIZATION).is_some_and(|given| given == expected.as_str()) {
        Ok(())
    } else {
        Err((401, "invalid_auth").into())
    }
}

fn may_write(world: &World, headers: &HeaderMap, room: &str) -> Result<(), Refused> {
    known(world, headers)?;
    match world.state().limit(room, Instant::now()) {
        Some(pause) => Err(Refused::Later(pause)),
        None => Ok(()),
    }
}

async fn commands(State(world): State<World>, headers: HeaderMap, Json(_): Json<Vec<String>>) -> Answer<Value> {
    known(&world, &headers)?;
    Ok(Json(json!({})))
}

async fn deliver(State(world): State<World>, headers: HeaderMap, Path(room): Path<String>, Json(new): Json<NewMessage>) -> Answer<Posted> {
    may_write(&world, &headers, &room)?;
    let id = world.state().post(&room, new.key, new.card, new.only, None)?;
    Ok(Json(Posted { id }))
}

async fn revise(
    State(world): State<World>,
    headers: HeaderMap,
    Path((room, id)): Path<(String, String)>,
    Json(card): Json<Card>,
) -> Answer<Value> {
    may_write(&world, &headers, &room)?;
    world.state().revise(&room, &id, card)?;
    Ok(Json(json!({})))
}

async fn retract(State(world): State<World>, headers: HeaderMap, Path((room, id)): Path<(String, String)>) -> Answer<Value> {
    may_write(&world, &headers, &room)?;
    world.state().retract(&room, &id)?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
struct Key {
    key: String,
}

async fn find(State(world): State<World>, headers: HeaderMap, Path(room): Path<String>, Query(key): Query<Key>) -> Answer<Found> {
    known(&world, &headers)?;
    let id = world.state().find(&room, &key.key)?;
    Ok(Json(Found { id }))
}

async fn read(body: Body) -> Result<Vec<u8>, Refused> {
    let parts: Vec<Bytes> = body.into_data_stream().try_collect().await.map_err(|_| (400, "broken_upload"))?;
    Ok(parts.concat())
}

async fn upload(
    State(world): State<World>,
    headers: HeaderMap,
    Path(room): Path<String>,
    Query(new): Query<NewUpload>,
    body: Body,
) -> Answer<Posted> {
    may_write(&world, &headers, &room)?;
    let content = read(body).await?;
    if content.len() as u64 != new.size {
        return Err((400, "wrong_size").into());
    }
    let mut state = world.state();
    let file = state.fresh('F');
    let id = state.post(&room, new.key, Card::default(), None, Some((file.clone(), new.name)))?;
    state.files.insert(file, content);
    Ok(Json(Posted { id }))
}

async fn download(State(world): State<World>, headers: HeaderMap, Path(id): Path<String>) -> Result<Vec<u8>, Refused> {
    known(&world, &headers)?;
    Ok(world.state().files.get(&id).cloned().ok_or((404, "file_not_found"))?)
}

async fn keep(State(world): State<World>, body: Body) -> Answer<Posted> {
    let content = read(body).await?;
    let mut state = world.state();
    let id = state.fresh('F');
    state.files.insert(id.clone(), content);
    Ok(Json(Posted { id }))
}

async fn rooms(State(world): State<World>, headers: HeaderMap) -> Answer<Vec<Room>> {
    known(&world, &headers)?;
    let mut rooms: Vec<Room> = world.state().rooms.iter().filter(|room| !room.id.starts_with("D-")).cloned().collect();
    rooms.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Json(rooms))
}

async fn create(State(world): State<World>, headers: HeaderMap, Json(new): Json<NewRoom>) -> Answer<Room> {
    known(&world, &headers)?;
    Ok(Json(world.state().create(&new.name, new.private)?))
}

async fn change(State(world): State<World>, headers: HeaderMap, Path(id): Path<String>, Json(change): Json<RoomChange>) -> Answer<Room> {
    known(&world, &headers)?;
    let mut state = world.state();
    if let Some(name) = &change.name {
        state.rename(&id, name)?;
    }
    let room = state.room_mut(&id)?;
    if let Some(topic) = change.topic {
        room.topic = topic;
    }
    if let Some(archived) = change.archived {
        room.archived = archived;
    }
    Ok(Json(room.clone()))
}

async fn invite(State(world): State<World>, headers: HeaderMap, Path(id): Path<String>, Json(people): Json<Vec<String>>) -> Answer<Value> {
    known(&world, &headers)?;
    world.state().invite(&id, &people)?;
    Ok(Json(json!({})))
}

#[derive(Deserialize)]
struct Place {
    name: String,
    direct: bool,
}

async fn place(State(world): State<World>, headers: HeaderMap, Query(place): Query<Place>) -> Answer<Found> {
    known(&world, &headers)?;
    let mut state = world.state();
    let id = if place.direct {
        state.direct(&place.name)
    } else {
        state.rooms.iter().find(|room| room.name == place.name || room.id == place.name).map(|room| room.id.clone())
    };
    Ok(Json(Found { id }))
}

//! What the address answers to those who aren't Discord. Deliveries, forged ones too, are in `interact`'s tests.

use crate::testbed::Bed;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use tower::ServiceExt as _;

#[tokio::test]
async fn a_bot_at_the_gateway_takes_no_deliveries_and_says_so() {
    let bed = Bed::new("").await;
    let request = Request::post("/chat/guild").body(Body::from("{\"type\":1}")).unwrap();
    let answer = bed.discord.router().oneshot(request).await.unwrap();
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
    assert!(String::from_utf8_lossy(&body).contains("transport = \"http\""));
}

#[tokio::test]
async fn people_see_that_the_address_is_reached() {
    let bed = Bed::new("transport = \"http\"").await;
    let answer = bed.discord.router().oneshot(Request::get("/chat/guild").body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let large = Request::post("/chat/guild").header("content-length", "2000000").body(Body::empty()).unwrap();
    assert_eq!(bed.discord.router().oneshot(large).await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
    let unsigned = Request::post("/chat/guild").body(Body::from("{\"type\":1}")).unwrap();
    assert_eq!(bed.discord.router().oneshot(unsigned).await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

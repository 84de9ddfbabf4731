//! The listener, as programs see it.

use bellhop_e2e::{Bot, json};

#[tokio::test]
async fn every_path_of_the_document_is_served() {
    let bot = Bot::start("").await;
    let (status, kind, body) = bot.get("/openapi.json").await;
    assert_eq!((status, kind.as_str()), (200, "application/json"));
    let document = json(&String::from_utf8(body).unwrap());
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() >= 8, "{paths:?}");
    for (path, methods) in paths {
        let status = if methods.get("post").is_some() { bot.post(path, "", "{}").await.0 } else { bot.get(path).await.0 };
        // A webhook's own address is its key, and this is none.
        let wanted = if path.contains('{') {
            404
        } else if methods.get("post").is_some() {
            401
        } else {
            200
        };
        assert_eq!(status, wanted, "{path}");
    }
}

//! The Teams world, by a bot of a few lines: what it refuses, what it remembers, and what people see.
#![expect(clippy::unwrap_used, reason = "what a test needs and doesn't get fails it")]

mod teams {
    pub mod bot;
}

use bellhop_kit::teams::{Behaviour, CERTIFICATE, Forgery, PRIVATE_KEY, Settings, Submitted};
use serde_json::{Value, json};
use teams::bot::Bot;

fn calm() -> Settings {
    Settings::default().unlimited()
}

fn card(actions: &Value) -> Value {
    let content =
        json!({ "type": "AdaptiveCard", "version": "1.5", "body": [{ "type": "TextBlock", "text": "**Disk** full" }], "actions": actions });
    json!({ "type": "message", "attachments": [{ "contentType": "application/vnd.microsoft.card.adaptive", "content": content }] })
}

#[tokio::test]
async fn a_mention_reaches_the_bot_and_its_answer_the_thread() {
    let bot = Bot::start(calm()).await;
    let (ann, bob) = (bot.world.person("ann"), bot.world.person("bob"));
    ann.say("#ops", "nobody hears this").await.unwrap();
    assert!(bot.heard.lock().unwrap().is_empty());
    let id = ann.mention("#ops", "file list @bob").await.unwrap();
    let heard = bot.last();
    assert_eq!(heard["id"], id.as_str());
    assert!(heard["text"].as_str().unwrap().contains("<at>Bellhop</at>&nbsp;file list <at>Bob Baker</at>"), "{heard}");
    let conversation = heard["conversation"]["id"].as_str().unwrap();
    assert_eq!(conversation, format!("{};messageid={id}", bot.world.channel("ops")));
    let text = json!({ "type": "message", "text": "**Hello** <at>Bob</at>",
        "entities": [{ "type": "mention", "text": "<at>Bob</at>", "mentioned": { "id": bob.id, "name": "Bob" } }] });
    assert_eq!(bot.post(conversation, text).await.0, 201);
    let seen = bob.hears("#ops").pop().unwrap();
    assert_eq!(
        (seen.text.as_str(), seen.thread.as_deref(), seen.notified.as_slice()),
        ("Hello @Bob", Some(id.as_str()), [bob.id.clone()].as_slice())
    );
    assert_eq!(bob.notifications().len(), 2);
    assert_eq!(bot.world.ledger().wrongs(), Vec::<String>::new());
}

#[tokio::test]
async fn bad_messages_are_refused_and_noted() {
    let bot = Bot::start(calm()).await;
    let ops = bot.world.channel("ops");
    for (body, status, code) in [
        (json!({ "type": "message" }), 400, "BadArgument"),
        (json!({ "type": "message", "text": "x".repeat(60_000) }), 413, "MessageSizeTooBig"),
        (
            json!({ "type": "message", "text": "hi", "entities": [{ "type": "mention", "text": "<at>X</at>", "mentioned": { "id": "29:1" } }] }),
            400,
            "BadArgument",
        ),
        (card(&json!([{ "type": "Action.Http", "title": "x" }])), 400, "BadSyntax"),
    ] {
        let (got, answer) = bot.post(&ops, body.clone()).await;
        assert_eq!((got, answer["error"]["code"].as_str().unwrap()), (status, code), "{answer}");
    }
    for (place, status, code) in [
        ("19:x@thread.tacv2", 404, "ConversationNotFound"),
        (&bot.world.channel("hidden"), 403, "BotNotInConversationRoster"),
        (&bot.world.channel("old"), 403, "MessageWritesBlocked"),
    ] {
        let (got, answer) = bot.post(place, json!({ "type": "message", "text": "hi" })).await;
        assert_eq!((got, answer["error"]["code"].as_str().unwrap()), (status, code), "{answer}");
    }
    assert_eq!(bot.world.ledger().violations.len(), 2);
    let url = format!("{}v3/conversations/{ops}/activities", bot.world.service_url());
    assert_eq!(bot.call("POST", &url, "no-token", Some(json!({ "type": "message", "text": "x" }))).await.0, 401);
}

#[tokio::test]
async fn buttons_and_dialogs_do_what_the_answers_say() {
    let bot = Bot::start(calm()).await;
    let (ann, bob) = (bot.world.person("ann"), bot.world.person("bob"));
    let actions = json!([
        { "type": "Action.Execute", "title": "Ack", "verb": "run", "data": { "n": 1 } },
        { "type": "Action.Submit", "title": "Open", "data": { "msteams": { "type": "task/fetch" }, "n": 2 } },
    ]);
    bot.post(&bot.world.channel("ops"), card(&actions)).await;
    let seen = ann.hears("#ops").pop().unwrap();
    assert_eq!((seen.text.as_str(), seen.buttons.clone()), ("Disk full\nAck\nOpen", vec!["Ack".to_owned(), "Open".to_owned()]));
    *bot.answer.lock().unwrap() =
        (200, json!({ "statusCode": 200, "type": "application/vnd.microsoft.activity.message", "value": "Taken" }));
    assert_eq!(ann.click(&seen, "Ack").await.unwrap().told.as_deref(), Some("Taken"));
    assert_eq!(bot.last()["value"]["action"]["verb"], "run");
    let own = json!({ "type": "AdaptiveCard", "version": "1.5", "body": [{ "type": "TextBlock", "text": "yours" }] });
    *bot.answer.lock().unwrap() = (200, json!({ "statusCode": 200, "type": "application/vnd.microsoft.card.adaptive", "value": own }));
    ann.click(&seen, "Ack").await.unwrap();
    assert_eq!((ann.hears("#ops")[0].text.as_str(), bob.hears("#ops")[0].text.as_str()), ("yours", "Disk full\nAck\nOpen"));
    let form = json!({ "type": "AdaptiveCard", "version": "1.5",
        "body": [{ "type": "Input.Text", "id": "name", "label": "Name", "isRequired": true, "errorMessage": "A name, please" }],
        "actions": [{ "type": "Action.Submit", "title": "Go", "data": { "n": 3 } }] });
    let task = json!({ "task": { "type": "continue", "value": { "title": "Put", "height": "medium", "width": 400,
        "card": { "contentType": "application/vnd.microsoft.card.adaptive", "content": form } } } });
    *bot.answer.lock().unwrap() = (200, task);
    bob.click(&bob.hears("#ops")[0], "Open").await.unwrap();
    assert_eq!(bob.dialog().unwrap().inputs, [("Name".to_owned(), "name".to_owned())]);
    assert_eq!(bob.submit("Go").await.unwrap(), Submitted::Errors(vec![("name".into(), "A name, please".into())]));
    bob.fill("Name", "plan.txt").unwrap();
    *bot.answer.lock().unwrap() = (200, Value::Null);
    assert_eq!(bob.submit("Go").await.unwrap(), Submitted::Closed);
    assert_eq!(bot.last()["value"]["data"], json!({ "n": 3, "name": "plan.txt" }));
    *bot.answer.lock().unwrap() = (500, Value::Null);
    assert!(bob.click(&bob.hears("#ops")[0], "Ack").await.unwrap_err().contains("Something went wrong"));
    assert_eq!(bot.world.ledger().violations.len(), 1);
}

#[tokio::test]
async fn tokens_are_for_those_who_prove_who_they_are() {
    let bot = Bot::start(calm()).await;
    let (id, url) = (bot.world.app_id(), bot.token_url());
    let base = |more: &[(&'static str, String)]| {
        let mut form = vec![
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", id.clone()),
            ("scope", "https://api.botframework.com/.default".to_owned()),
        ];
        form.extend(more.iter().cloned());
        form
    };
    let ask = async |more: &[(&'static str, String)]| {
        let form = base(more);
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let (status, body) = bot.form(&url, &form).await;
        (status, body["error_codes"][0].as_u64())
    };
    assert_eq!(ask(&[("client_secret", "wrong".into())]).await, (401, Some(7_000_215)));
    assert_eq!(ask(&[]).await, (401, Some(7_000_218)));
    let kind = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned());
    assert_eq!(ask(&[kind.clone(), ("client_assertion", bot.world.federated_token())]).await, (200, None));
    let now = bellhop_core::Clock::now(&bellhop_kit::teams::MachineClock).timestamp();
    let signed = |print: &[u8], audience: &str| {
        use base64::Engine as _;
        let print = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(print);
        let header = jsonwebtoken::Header { x5t_s256: Some(print), ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::PS256) };
        let claims = json!({ "iss": id, "sub": id, "aud": audience, "jti": "1", "nbf": now - 5, "exp": now + 300 });
        let key = jsonwebtoken::EncodingKey::from_rsa_pem(PRIVATE_KEY.as_bytes()).unwrap();
        jsonwebtoken::encode(&header, &claims, &key).unwrap()
    };
    let der = {
        use base64::Engine as _;
        let body: String = CERTIFICATE.lines().filter(|line| !line.starts_with("---")).collect();
        base64::engine::general_purpose::STANDARD.decode(body).unwrap()
    };
    let print = <sha2::Sha256 as sha2::Digest>::digest(&der).to_vec();
    assert_eq!(ask(&[kind.clone(), ("client_assertion", signed(&print, &url))]).await, (200, None));
    assert_eq!(ask(&[kind.clone(), ("client_assertion", signed(b"another", &url))]).await, (401, Some(700_027)));
    assert_eq!(ask(&[kind, ("client_assertion", signed(&print, "https://elsewhere"))]).await, (401, Some(700_027)));
}

#[tokio::test]
async fn activities_are_signed_and_forged_ones_are_not() {
    let bot = Bot::start(calm()).await;
    let ann = bot.world.person("ann");
    let keys = async || bot.call("GET", &format!("{}/openid/v1/.well-known/keys", bot.world.url()), "", None).await.1;
    let metadata = bot.call("GET", &bot.world.openid_url(), "", None).await.1;
    assert_eq!(metadata["issuer"], "https://api.botframework.com");
    let check = |token: &str, keys: &Value| {
        let header = jsonwebtoken::decode_header(token).ok()?;
        let jwk = keys["keys"].as_array()?.iter().find(|key| key["kid"] == header.kid.as_deref().unwrap_or_default())?.clone();
        let key = jsonwebtoken::DecodingKey::from_jwk(&serde_json::from_value(jwk).ok()?).ok()?;
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
        rules.set_audience(&[bot.world.app_id()]);
        rules.set_issuer(&["https://api.botframework.com"]);
        rules.validate_nbf = true;
        jsonwebtoken::decode::<Value>(token, &key, &rules).ok().map(|said| said.claims)
    };
    let now = keys().await;
    let header = bot.world.authorization();
    let claims = check(header.strip_prefix("Bearer ").unwrap(), &now).unwrap();
    assert_eq!(claims["serviceurl"], bot.world.service_url());
    bot.world.rotate_keys();
    let header = bot.world.authorization();
    assert!(check(header.strip_prefix("Bearer ").unwrap(), &now).is_none());
    assert!(check(header.strip_prefix("Bearer ").unwrap(), &keys().await).is_some());
    let activity = bot.world.activity("message", &ann, "@bellhop");
    for forgery in [Forgery::Missing, Forgery::Expired(600), Forgery::Audience, Forgery::OtherKey, Forgery::Unsigned] {
        assert_eq!(bot.world.send(&bot.url, &activity, &forgery).await.unwrap().status, 200, "this bot believes everything");
    }
}

#[tokio::test]
async fn limits_are_kept_and_hurry_is_noted() {
    let bot = Bot::start(Settings::default()).await;
    let ops = bot.world.channel("ops");
    let token = bot.token("https://api.botframework.com").await;
    let url = format!("{}v3/conversations/{ops}/activities", bot.world.service_url());
    let mut statuses = Vec::new();
    for _ in 0..9 {
        statuses.push(bot.call("POST", &url, &token, Some(json!({ "type": "message", "text": "x" }))).await.0);
    }
    assert_eq!(statuses, [201, 201, 201, 201, 201, 201, 201, 429, 429]);
    let ledger = bot.world.ledger();
    assert_eq!((ledger.early.len(), ledger.all_limited(), ledger.posted.len()), (1, 2, 7));
}

#[tokio::test]
async fn lost_answers_are_lost_after_the_message_was_posted() {
    let bot = Bot::start(calm()).await;
    let token = bot.token("https://api.botframework.com").await;
    let url = format!("{}v3/conversations/{}/activities", bot.world.service_url(), bot.world.channel("ops"));
    bot.world.behave(Behaviour { call: Some("send".into()), lose_percent: 100, ..Behaviour::default() });
    let sent = bot.client.post("send", "any", &url).bearer(&token).json(&json!({ "type": "message", "text": "x" })).exchange().await;
    assert!(sent.is_err());
    assert_eq!(bot.world.person("ann").hears("#ops").len(), 1);
    bot.world.behave(Behaviour { call: Some("send".into()), fail_after: Some(504), ..Behaviour::default() });
    assert_eq!(bot.call("POST", &url, &token, Some(json!({ "type": "message", "text": "y" }))).await.0, 504);
    assert_eq!(bot.world.person("ann").hears("#ops").len(), 2);
}

#[tokio::test]
async fn graph_has_channels_files_and_meetings_by_permission() {
    let bot = Bot::start(Settings { link_later: true, ..calm() }.without("Channel.Delete.All")).await;
    let group = bot.world.group("Acme");
    let channels = format!("/teams/{group}/channels");
    let (status, made) = bot.graph("POST", &channels, Some(json!({ "displayName": "incident-7", "membershipType": "standard" }))).await;
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().unwrap();
    assert_eq!(bot.graph("POST", &channels, Some(json!({ "displayName": "Incident-7" }))).await.0, 400);
    let (status, refused) = bot.graph("DELETE", &format!("{channels}/{id}"), None).await;
    assert_eq!(status, 403);
    assert!(refused["error"]["message"].as_str().unwrap().contains("Channel.Delete.All"), "{refused}");
    assert_eq!(bot.graph("POST", &format!("{channels}/{id}/archive"), Some(json!({}))).await.0, 202);
    assert!(bot.world.channels("Acme").iter().any(|channel| channel.0 == "incident-7" && channel.2));
    let folder = bot.graph("GET", &format!("{channels}/{}/filesFolder", bot.world.channel("ops")), None).await.1;
    let drive = folder["parentReference"]["driveId"].as_str().unwrap();
    let path = format!("/drives/{drive}/items/{}:/plan.txt:", folder["id"].as_str().unwrap());
    let session = bot
        .graph("POST", &format!("{path}/createUploadSession"), Some(json!({ "item": { "@microsoft.graph.conflictBehavior": "rename" } })))
        .await
        .1;
    let upload = session["uploadUrl"].as_str().unwrap();
    let part = async |range: &str, bytes: usize, token: Option<&str>| {
        let mut request = bot
            .client
            .put("part", "upload", upload)
            .header("content-range", range)
            .content("application/octet-stream", vec![7_u8; bytes].into());
        if let Some(token) = token {
            request = request.bearer(token);
        }
        request.exchange().await.unwrap().status().as_u16()
    };
    assert_eq!(part("bytes 0-99/400", 100, None).await, 400, "no multiple of 320 KiB");
    assert_eq!(part("bytes 0-327679/327690", 327_680, Some("token")).await, 401);
    assert_eq!(part("bytes 0-327679/327690", 327_680, None).await, 202);
    assert_eq!(part("bytes 0-327679/327690", 327_680, None).await, 416);
    assert_eq!(part("bytes 327680-327689/327690", 10, None).await, 201);
    assert_eq!(bot.world.files("#ops"), [("plan.txt".to_owned(), vec![7_u8; 327_690])]);
    assert_eq!(bot.world.ledger().foreign.len(), 1);
    let ann = bot.world.person("ann");
    let event = json!({ "subject": "Standup", "start": { "dateTime": "2026-11-24T09:00:00", "timeZone": "Europe/Berlin" },
        "end": { "dateTime": "2026-11-24T09:30:00", "timeZone": "Europe/Berlin" }, "isOnlineMeeting": true, "transactionId": "1",
        "attendees": [{ "emailAddress": { "address": "bob@acme.example" }, "type": "required" }] });
    let (status, made) = bot.graph("POST", &format!("/users/{}/events", ann.object), Some(event.clone())).await;
    assert!(status == 201 && made["onlineMeeting"].is_null(), "{made}");
    bot.graph("POST", &format!("/users/{}/events", ann.object), Some(event)).await;
    assert_eq!(bot.world.calendar().len(), 1, "the same transaction");
    let read = format!("/users/{}/events/{}", ann.object, made["id"].as_str().unwrap());
    assert!(bot.graph("GET", &read, None).await.1["onlineMeeting"]["joinUrl"].is_string());
    let (status, refused) = bot.graph("POST", &format!("/users/{}/events", bot.world.person("cem").object), Some(json!({}))).await;
    assert_eq!((status, refused["error"]["code"].as_str().unwrap()), (404, "MailboxNotEnabledForRESTAPI"));
    let (status, _) = bot
        .graph(
            "POST",
            &format!("/users/{}/onlineMeetings", ann.object),
            Some(json!({ "startDateTime": "2026-11-24T09:00:00Z", "endDateTime": "2026-11-24T09:30:00Z" })),
        )
        .await;
    assert_eq!(status, 403, "there is no policy");
}

#[tokio::test]
async fn files_are_offered_taken_and_read() {
    let bot = Bot::start(calm()).await;
    let ann = bot.world.person("ann");
    ann.upload("@bellhop", "in.txt", b"from ann", "file put").await.unwrap();
    let attachment = bot.last()["attachments"][0].clone();
    let url = attachment["content"]["downloadUrl"].as_str().unwrap().to_owned();
    let got = bot.client.get("download", "any", &url).exchange().await.unwrap();
    assert_eq!(got.bytes().await.unwrap(), "from ann");
    assert_eq!(bot.client.get("download", "any", &url).bearer("x").exchange().await.unwrap().status().as_u16(), 401);
    let chat = bot.last()["conversation"]["id"].as_str().unwrap().to_owned();
    let consent = |n: usize| {
        json!({ "type": "message", "attachments": [{ "contentType": "application/vnd.microsoft.teams.card.file.consent",
        "name": "out.txt", "content": { "description": "yours", "sizeInBytes": n, "acceptContext": { "k": 1 }, "declineContext": {} } }] })
    };
    assert_eq!(bot.post(&bot.world.channel("ops"), consent(3)).await.0, 400, "in a personal chat only");
    assert_eq!(bot.post(&chat, consent(3)).await.0, 201);
    let offer = ann.hears("@bellhop").pop().unwrap();
    assert_eq!(offer.offered, Some(("out.txt".to_owned(), 3)));
    ann.accept_file(&offer).await.unwrap();
    let info = bot.last()["value"]["uploadInfo"].clone();
    assert_eq!(bot.last()["value"]["context"], json!({ "k": 1 }));
    let put = bot.client.put("upload", "any", info["uploadUrl"].as_str().unwrap()).header("content-range", "bytes 0-2/3");
    assert_eq!(put.content("application/octet-stream", "abc".into()).exchange().await.unwrap().status().as_u16(), 201);
    let done = json!({ "type": "message", "attachments": [{ "contentType": "application/vnd.microsoft.teams.card.file.info", "name": "out.txt",
        "contentUrl": info["contentUrl"], "content": { "uniqueId": info["uniqueId"], "fileType": "txt" } }] });
    assert_eq!(bot.post(&chat, done).await.0, 201);
    assert_eq!(ann.hears("@bellhop").pop().unwrap().files, [("out.txt".to_owned(), b"abc".to_vec())]);
}

#[tokio::test]
async fn workflows_take_small_messages_and_promise_nothing() {
    let bot = Bot::start(Settings::default()).await;
    let url = bot.world.add_workflow("ops");
    let post = async |body: Value| bot.client.post("webhook", "any", &url).json(&body).exchange().await.unwrap().status().as_u16();
    assert_eq!(post(card(&json!([]))).await, 202);
    let seen = bot.world.person("ann").sees("#ops").pop().unwrap();
    assert_eq!((seen.text.as_str(), seen.author.as_str(), seen.bot), ("Disk full", "Workflows", false));
    assert_eq!(post(json!({ "text": "x".repeat(30_000) })).await, 413);
    bot.world.turn_workflows(false);
    assert_eq!(post(card(&json!([]))).await, 202);
    assert_eq!(bot.world.person("ann").sees("#ops").len(), 1);
    assert_eq!(post(card(&json!([]))).await, 202);
    assert_eq!(post(card(&json!([]))).await, 429, "four a second");
    let other = format!("{}x", bot.world.add_workflow("ops"));
    assert_eq!(bot.client.post("webhook", "any", &other).json(&json!({})).exchange().await.unwrap().status().as_u16(), 401);
}

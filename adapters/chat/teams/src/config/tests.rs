//! What sections are refused and why, and which addresses are the connector's.

use super::{Credential, TeamsConfig};

const BOT: &str = "app_id = \"app\"\napp_password = \"s\"\ntenant_id = \"T\"\n";

fn refusal(text: &str) -> String {
    toml::from_str::<TeamsConfig>(text).unwrap_err().message().to_owned()
}

#[test]
fn what_is_missing_is_named() {
    for (text, word) in [
        ("", "`app_id` is missing"),
        ("app_id = \"a\"", "nothing to sign in with"),
        ("app_id = \"a\"\napp_password = \"p\"", "`tenant_id` is missing"),
        ("app_id = \"a\"\napp_password = \"p\"\nfederated_token = \"f\"\ntenant_id = \"t\"", "keep one"),
        ("app_id = \"a\"\napp_password = \"p\"\ntenant_id = \"t\"\ncloud = \"moon\"", "there is no `moon`"),
        ("app_id = \"a\"\napp_password = \"p\"\ntenant_id = \"t\"\nopenid_url = \"ftp://x\"", "`openid_url` is an http"),
        ("webhooks = { \"a b\" = \"https://x.example\" }", "can't be a place's name"),
        ("webhooks = { ops = \"nothing\" }", "no http or https address"),
    ] {
        let said = refusal(text);
        assert!(said.contains(word), "{text:?}: {said}");
    }
    assert!(refusal(&format!("{BOT}webhooks = {{ ops = \"https://x.example/\" }}")).contains("section of their own"));
}

#[test]
fn the_emulator_needs_no_credential_and_webhooks_no_bot() {
    let config: TeamsConfig = toml::from_str("emulator = true").unwrap();
    assert!(matches!(config.bot.unwrap().credential, Credential::None));
    let config: TeamsConfig = toml::from_str("webhooks = { ops = \"https://x.example/?sig=1\" }").unwrap();
    assert!(config.bot.is_none());
}

#[test]
fn tokens_go_to_the_connector_only() {
    let config: TeamsConfig = toml::from_str(BOT).unwrap();
    for good in
        ["https://smba.trafficmanager.net/emea/", "https://smba.trafficmanager.net/amer/T/", "https://smba.trafficmanager.net/teams"]
    {
        assert!(config.serves(good), "{good}");
    }
    for bad in [
        "http://smba.trafficmanager.net/emea/",
        "https://smba.trafficmanager.net.evil.example/",
        "https://smba.trafficmanager.net:8443/",
        "https://smba.trafficmanager.net@evil.example/",
        "https://user@smba.trafficmanager.net/",
        "https://evil.example/https://smba.trafficmanager.net/",
        "http://127.0.0.1:1/",
        "",
        "no address",
    ] {
        assert!(!config.serves(bad), "{bad}");
    }
    let config: TeamsConfig = toml::from_str(&format!("{BOT}service_urls = [\"http://127.0.0.1:9000/amer\"]")).unwrap();
    assert!(config.serves("http://127.0.0.1:9000/amer/") && config.serves("http://127.0.0.1:9000/amer"));
    for bad in ["http://127.0.0.1:9000/", "http://127.0.0.1:9000/americas/", "http://127.0.0.1:9001/amer", "https://127.0.0.1:9000/amer"] {
        assert!(!config.serves(bad), "{bad}");
    }
    assert_eq!(config.cloud.begin_url(), "http://127.0.0.1:9000/amer");
}

#[test]
fn clouds_have_their_own_endpoints() {
    let config: TeamsConfig = toml::from_str(&format!("{BOT}cloud = \"gcc-high\"")).unwrap();
    assert_eq!(config.cloud.issuer, "https://api.botframework.us");
    assert_eq!(config.cloud.token_url("T"), "https://login.microsoftonline.us/T/oauth2/v2.0/token");
    assert_eq!(config.cloud.graph_resource, "https://graph.microsoft.us");
    assert_eq!(config.cloud.begin_url(), "https://smba.infra.gov.teams.microsoft.us/teams/");
}

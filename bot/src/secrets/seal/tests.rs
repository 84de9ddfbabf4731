//! What is sealed is opened by the same bot under the same name, and by nobody else.

use super::*;
use base64::engine::general_purpose::STANDARD;
use std::os::unix::fs::PermissionsExt as _;

fn ring() -> SealRing {
    SealRing::new(Some(MasterKey::parse(&"ab".repeat(32)).unwrap()), Otherwise::Configured)
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

#[test]
fn what_is_sealed_is_opened_again() {
    let ring = ring();
    for text in ["", "xoxb-1-token", "ключ \u{1f511}", &"x".repeat(100_000)] {
        let sealed = ring.seal("chat.work/T1", &secret(text)).unwrap();
        assert_eq!(ring.open("chat.work/T1", &sealed).unwrap().expose_secret(), text);
        assert!(text.is_empty() || !sealed.contains(text));
    }
    let twice = [ring.seal("a", &secret("same")).unwrap(), ring.seal("a", &secret("same")).unwrap()];
    assert_ne!(twice[0], twice[1], "nobody sees that two secrets are the same");
}

#[test]
fn under_another_name_it_is_of_no_use() {
    let ring = ring();
    let sealed = ring.seal("chat.work/T1", &secret("token")).unwrap();
    for name in ["chat.work/T2", "", "chat.work/T1 "] {
        let error = ring.open(name, &sealed).unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Broken);
        assert!(error.message.contains("another name") && error.message.contains("anew"), "{error}");
    }
}

#[test]
fn every_changed_byte_is_refused() {
    let ring = ring();
    let sealed = ring.seal("n", &secret("token")).unwrap();
    for at in 0..sealed.len() {
        for other in *b"AZaz09-_.+/= \x00" {
            let mut bytes = sealed.clone().into_bytes();
            if bytes[at] == other {
                continue;
            }
            bytes[at] = other;
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(ring.open("n", &changed).unwrap_err().kind, PortErrorKind::Broken, "{at}: {changed}");
        }
        assert!(ring.open("n", &sealed[..at]).is_err(), "cut at {at}");
    }
    assert!(ring.open("n", &format!("{sealed}A")).is_err());
}

#[test]
fn another_key_is_told_from_a_changed_text() {
    let sealed = ring().seal("n", &secret("token")).unwrap();
    let other = SealRing::new(Some(MasterKey::parse(&"cd".repeat(32)).unwrap()), Otherwise::Configured);
    let error = other.open("n", &sealed).unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Broken);
    assert!(error.message.contains("master_key") && error.message.contains("sealed with the key"), "{error}");
}

#[test]
fn keys_are_read_as_people_write_them() {
    let bytes: Vec<u8> = (0..32).map(|n| 255 - n * 3).collect();
    let forms = [
        STANDARD.encode(&bytes),
        STANDARD.encode(&bytes).trim_end_matches('=').to_owned(),
        base64::engine::general_purpose::URL_SAFE.encode(&bytes),
        hex::encode(&bytes),
        hex::encode_upper(&bytes),
        format!(" {}\n", hex::encode(&bytes)),
    ];
    let ids: Vec<String> = forms.iter().map(|form| MasterKey::parse(form).unwrap().id().to_owned()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    for bad in ["", "secret", &"ab".repeat(31), &"ab".repeat(33), &"zz".repeat(32), "ключ"] {
        let error = MasterKey::parse(bad).unwrap_err().to_string();
        assert!(error.contains("32 bytes") && (bad.is_empty() || !error.contains(bad)), "{error}");
    }
}

#[test]
fn the_key_is_in_no_debug() {
    let key = MasterKey::parse(&"ab".repeat(32)).unwrap();
    let ring = SealRing::new(Some(key.clone()), Otherwise::Configured);
    for shown in [format!("{key:?}"), format!("{ring:?}"), format!("{:?}", ring.seal("n", &secret("hidden-token")))] {
        assert!(!shown.contains("abab") && !shown.contains("171") && !shown.contains("hidden-token"), "{shown}");
    }
}

#[test]
fn the_file_is_made_at_first_use_for_the_bots_user_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let ring = SealRing::new(None, Otherwise::File(path.clone()));
    assert!(!path.exists(), "not before it is needed");
    assert!(ring.open("n", "s1.00000000.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").is_err());
    assert!(!path.exists(), "and not to open something");
    let sealed = ring.seal("n", &secret("token")).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["master.key"], "nothing else is left in the folder");
    // After a restart it is the same key.
    let again = SealRing::new(None, Otherwise::File(path.clone()));
    assert_eq!(again.open("n", &sealed).unwrap().expose_secret(), "token");
    // A lost key is said, and a new one doesn't open the old.
    std::fs::remove_file(&path).unwrap();
    let lost = SealRing::new(None, Otherwise::File(path.clone()));
    assert!(lost.open("n", &sealed).unwrap_err().message.contains("backup"));
    lost.seal("n", &secret("other")).unwrap();
    assert!(lost.open("n", &sealed).unwrap_err().message.contains("master.key"));
    // And so is a spoiled one, which is never written over.
    std::fs::write(&path, "not a key").unwrap();
    let spoiled = SealRing::new(None, Otherwise::File(path.clone()));
    assert!(spoiled.seal("n", &secret("x")).unwrap_err().message.contains("holds no key"));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "not a key");
}

#[test]
fn many_at_once_make_one_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let keys: Vec<String> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..16).map(|_| scope.spawn(|| MasterKey::of_file_or_new(&path).unwrap().id().to_owned())).collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[test]
fn where_several_bots_share_a_database_a_key_is_asked_for_when_it_is_needed() {
    let ring = SealRing::new(None, Otherwise::Configured);
    let error = ring.seal("n", &secret("token")).unwrap_err();
    assert!(error.message.contains("master_key") && error.message.contains("openssl rand"), "{error}");
    assert_eq!(ring.open("n", "s1.00000000.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").unwrap_err().kind, PortErrorKind::Broken);
}

#[test]
fn derived_keys_are_the_same_each_time_and_differ_by_purpose() {
    let derived = |ring: &SealRing, purpose: &str| ring.derive(purpose, false).unwrap().unwrap().expose_secret().to_vec();
    let one = derived(&ring(), "files");
    assert_eq!((one.len(), &one), (32, &derived(&ring(), "files")));
    assert_ne!(one, derived(&ring(), "backups"));
    let other = SealRing::new(Some(MasterKey::parse(&"cd".repeat(32)).unwrap()), Otherwise::Configured);
    assert_ne!(one, derived(&other, "files"));
    assert_ne!(one, vec![0xab; 32]);
}

#[test]
fn a_key_is_made_for_what_is_new_and_never_for_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let ring = || SealRing::new(None, Otherwise::File(path.clone()));
    assert!(ring().derive("files", false).unwrap().is_none());
    assert!(!path.exists());
    let made = ring().derive("files", true).unwrap().unwrap();
    assert!(path.exists());
    assert_eq!(ring().derive("files", false).unwrap().unwrap().expose_secret(), made.expose_secret());
    let shared = SealRing::new(None, Otherwise::Configured);
    assert!(shared.derive("files", true).unwrap_err().message.contains("master_key"));
}

/// Against Python: `hmac.new(hmac.new(bytes(32), key, 'sha256').digest(), b'backup\x01', 'sha256')`.
#[test]
fn they_are_what_hkdf_gives() {
    let key = SealRing::new(Some(MasterKey::parse(&"0b".repeat(32)).unwrap()), Otherwise::Configured);
    assert_eq!(
        hex::encode(key.derive("backup", false).unwrap().unwrap().expose_secret()),
        "f864010bc97450a1de2868ea2b294dbe97cff9a82b461bb53479a317b1e59133"
    );
}

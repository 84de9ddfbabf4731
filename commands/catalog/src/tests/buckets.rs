//! Buckets: shown in words, changed by admins, and nothing deleted without being asked for.

use super::bucket_store::Settings;
use super::catalogue::buttons_work;
use super::world::World;
use bellhop_core::access::Access;
use bellhop_core::ports::{AccessPolicy, Encryption, LifecycleRule, NoncurrentExpiry, Permission, Transition, Versioning, When};
use bellhop_core::{CommandError, Effect};

fn settings(world: &World, name: &str) -> Settings {
    world.stores.0[0].buckets.as_ref().unwrap().of(name)
}

fn refused(error: CommandError) -> String {
    match error {
        CommandError::Refused(why) => why,
        other => panic!("{other:?}"),
    }
}

fn plan(world: &World, line: &str) -> String {
    world.text(&world.plan(line).unwrap_or_else(|error| panic!("{line}: {error}")))
}

/// What a line needs and does.
fn weight(world: &World, line: &str) -> (Access, Effect) {
    let invoke = world.registry.parse(line).unwrap_or_else(|why| panic!("{line}: {why:?}")).invoke;
    let about = world.registry.get(&invoke.command).unwrap().weighed(&invoke.args).into_owned();
    (about.access, about.effect)
}

#[test]
fn they_are_listed_and_described() {
    let world = World::new();
    insta::assert_snapshot!(world.run("bucket list"), @r"
    Buckets of local
    4 buckets
    Bucket      Region        Made                      Used by
    ──────────  ────────────  ────────────────────────  ───────────────
    full        eu-central-1  Mon 2026-11-23 10:30 UTC
    locked      eu-central-1  Mon 2026-11-23 10:30 UTC
    site        eu-central-1  Mon 2026-11-23 10:30 UTC
    team-files  eu-central-1  Mon 2026-11-23 10:30 UTC  the store local
    ");
    insta::assert_snapshot!(world.run("bucket info team-files"), @r"
    Bucket team-files
    Used by:       the store local
    Region:        eu-central-1
    Made:          Mon 2026-11-23 10:30 UTC
    Versions:      off: nothing of before is kept
    Encryption:    aes256 (AES-256 with keys that the service keeps)
    Public access: none (public access is not blocked)
    Policy:        none
    Lifecycle:     none
    ");
    let open = world.run("bucket info site");
    assert!(
        open.starts_with("! Bucket site") && open.contains("anyone can read files") && open.contains("everyone may read files in site/*"),
        "{open}"
    );
    let locked = world.run("bucket info locked");
    assert!(locked.contains("can't be seen") && locked.contains("the service doesn't have it"), "{locked}");
    let missing = world.error("bucket info team-flies");
    assert!(matches!(missing, CommandError::NotFound { what: "bucket", nearest: Some(near), .. } if near == "team-files"));
}

#[test]
fn a_store_without_any_says_so() {
    let world = World::new();
    for line in
        ["bucket list --store plain", "bucket info x --store plain", "bucket lifecycle x --store plain", "bucket delete x --store plain"]
    {
        let why = refused(world.error(line));
        assert!(why.contains("plain has no buckets") && why.contains("--store local"), "{line}: {why}");
    }
    assert!(matches!(world.error("bucket list --store lokal"), CommandError::NotFound { what: "store", .. }));
}

#[test]
fn they_are_made_and_deleted() {
    let world = World::new();
    let reply = world.reply("bucket create team-archive");
    buttons_work(&world, &reply.card);
    assert!(world.text(&reply.card).starts_with("✓ Made the bucket team-archive"));
    assert!(refused(world.error("bucket create team-archive")).contains("already"));
    assert!(matches!(world.error("bucket create \"a b\""), CommandError::Invalid { argument: "name", .. }));
    assert!(plan(&world, "bucket delete team-archive").contains("only done when nothing is in it"));
    assert!(plan(&world, "bucket delete team-files").contains("The store local is in it"));
    assert!(matches!(world.plan("bucket delete nothing-like-it"), Err(CommandError::NotFound { .. })));
    assert!(world.run("bucket delete team-archive").contains("Deleted the bucket team-archive"));
    assert!(matches!(world.error("bucket delete team-archive"), CommandError::NotFound { .. }));
    assert!(refused(world.error("bucket delete full")).contains("3 files are in it"));
}

#[test]
fn versions_are_switched() {
    let world = World::new();
    assert!(world.run("bucket versioning team-files").contains("is off: nothing"));
    assert!(world.run("bucket versioning team-files off").starts_with("Nothing to change"));
    assert!(world.run("bucket versioning team-files on").starts_with("✓ Versioning of team-files is on"));
    assert_eq!(settings(&world, "team-files").versioning, Versioning::On);
    assert!(world.run("bucket versioning team-files on").starts_with("Nothing to change"));
    assert!(world.run("bucket versioning team-files off").contains("is suspended"));
    assert_eq!(settings(&world, "team-files").versioning, Versioning::Suspended);
    assert!(matches!(world.error("bucket versioning nope on"), CommandError::NotFound { .. }));
}

#[test]
fn a_lifecycle_rule_is_shown_before_it_is_set_and_loses_no_other() {
    let world = World::new();
    assert!(world.run("bucket lifecycle team-files show").contains("There are no rules"));
    let set = "bucket lifecycle team-files set --prefix logs/ --expire 30d --expire-noncurrent 90d --abort-multipart 7d --transition 40d:STANDARD_IA";
    insta::assert_snapshot!(plan(&world, set), @r"
    Change the lifecycle of team-files?
    This would add the rule bellhop-expire-noncurrent-transition-abort-logs/: files that begin with logs/: expire after 30 days, delete older versions 90 days after they were replaced, move to STANDARD_IA after 40 days, remove unfinished uploads after 7 days.
    The bucket keeps no versions: what expires is gone for good.
    There are no other rules.
    ");
    assert_eq!(settings(&world, "team-files").rules, []);
    world.run(set);
    let made = settings(&world, "team-files").rules;
    assert_eq!(made.len(), 1);
    let LifecycleRule { id, enabled, filter, expire, transitions, expire_noncurrent, abort_incomplete, .. } = &made[0];
    assert_eq!((id.as_str(), *enabled, filter.prefix.as_str()), ("bellhop-expire-noncurrent-transition-abort-logs/", true, "logs/"));
    assert_eq!((*expire, *abort_incomplete), (Some(When::Days(30)), Some(7)));
    assert_eq!(*expire_noncurrent, Some(NoncurrentExpiry { days: 90, keep: None }));
    assert_eq!(*transitions, [Transition { when: When::Days(40), class: "STANDARD_IA".to_owned() }]);
    // The same with other days changes the rule; something else is one more.
    world.run("bucket lifecycle team-files set --expire 10d");
    let again = "bucket lifecycle team-files set --expire 20d";
    let planned = plan(&world, again);
    assert!(
        planned.contains("It takes the place of: every file: expire after 10 days.") && planned.contains("1 other rule stay"),
        "{planned}"
    );
    // What takes the place of another rule is asked for; until then nothing is changed.
    let CommandError::Confirm(invoke) = world.error(again) else { panic!("{:?}", world.error(again)) };
    assert_eq!(world.registry.line(&invoke), format!("{again} --replace"));
    assert_eq!(settings(&world, "team-files").rules[1].expire, Some(When::Days(10)));
    assert_eq!(world.registry.get("bucket lifecycle").unwrap().weighed(&invoke.args).effect, Effect::Destroys);
    let done = world.run(&format!("{again} --replace"));
    assert!(
        done.contains("Before: every file: expire after 10 days") && done.contains("Now:    every file: expire after 20 days"),
        "{done}"
    );
    // The very same rule again replaces nothing.
    world.run(again);
    world.run("bucket lifecycle team-files set --id mine --expire-noncurrent 5d --keep 3");
    let rules = settings(&world, "team-files").rules;
    assert_eq!(rules.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(), [made[0].id.as_str(), "bellhop-expire", "mine"]);
    assert_eq!((rules[1].expire, rules[2].expire_noncurrent), (Some(When::Days(20)), Some(NoncurrentExpiry { days: 5, keep: Some(3) })));
    insta::assert_snapshot!(world.run("bucket lifecycle team-files show"), @r"
    Lifecycle of team-files
    3 rules
    Id                                                On                           Does                                                                                                                                                     State
    ────────────────────────────────────────────────  ───────────────────────────  ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────  ─────
    bellhop-expire-noncurrent-transition-abort-logs/  files that begin with logs/  expire after 30 days, delete older versions 90 days after they were replaced, move to STANDARD_IA after 40 days, remove unfinished uploads after 7 days  on
    bellhop-expire                                    every file                   expire after 20 days                                                                                                                                     on
    mine                                              every file                   delete older versions 5 days after they were replaced, but for the newest 3                                                                              on
    ");
    assert!(plan(&world, "bucket lifecycle team-files clear --id mine").contains("2 other rules stay as they are."));
    world.run("bucket lifecycle team-files clear --id mine");
    assert_eq!(settings(&world, "team-files").rules.len(), 2);
    assert!(matches!(
        world.plan("bucket lifecycle team-files clear --id mime"),
        Err(CommandError::NotFound { what: "lifecycle rule", .. })
    ));
    assert!(plan(&world, "bucket lifecycle team-files clear").contains("There are no other rules."));
    world.run("bucket lifecycle team-files clear");
    assert!(refused(world.plan("bucket lifecycle team-files clear").unwrap_err()).contains("has no rules"));
}

#[test]
fn a_plan_says_what_versions_make_of_a_rule() {
    let world = World::new();
    let set = "bucket lifecycle team-files set --expire 30d";
    assert!(plan(&world, set).contains("gone for good"));
    world.run("bucket versioning team-files on");
    assert!(plan(&world, set).contains("--expire-noncurrent frees it"));
    world.run("bucket versioning team-files off");
    assert!(!plan(&world, set).contains("gone for good"));
    assert!(plan(&world, "bucket lifecycle site set --expire-noncurrent 3d").contains("finds nothing to do"));
}

#[test]
fn rules_that_make_no_sense_are_refused() {
    let world = World::new();
    let error = |rest: &str| world.plan(&format!("bucket lifecycle team-files set {rest}")).unwrap_err();
    assert!(refused(error("")).contains("say what is to happen"));
    for (rest, argument) in [
        ("--expire 12h", "expire"),
        ("--expire 0d", "expire"),
        ("--abort-multipart 90s", "abort_multipart"),
        ("--expire-noncurrent 36h", "expire_noncurrent"),
        ("--expire 3d --keep 3", "keep"),
        ("--transition STANDARD_IA", "transition"),
        ("--transition 3x:STANDARD_IA", "transition"),
        ("--transition 3d:", "transition"),
        ("--expire 3d --id \"\"", "id"),
    ] {
        assert!(matches!(error(rest), CommandError::Invalid { argument: found, .. } if found == argument), "{rest}");
    }
    assert!(world.registry.parse("bucket lifecycle team-files set --expire soon").is_err());
    assert!(world.registry.parse("bucket lifecycle team-files sing").is_err());
    let long = format!("bucket lifecycle team-files set --expire 3d --prefix {}", "p".repeat(300));
    world.run(&long);
    assert!(settings(&world, "team-files").rules[0].id.len() < 60);
}

#[test]
fn encryption_is_shown_and_set() {
    let world = World::new();
    for line in ["bucket encryption team-files", "bucket encryption team-files show"] {
        assert!(world.run(line).contains("AES-256"), "{line}");
    }
    let text = world.run("bucket encryption team-files set kms --key arn:aws:kms:eu-central-1:1111:key/1234");
    assert!(text.contains("new files") && text.contains("the service doesn't check it"), "{text}");
    let key = Some("arn:aws:kms:eu-central-1:1111:key/1234".to_owned());
    assert_eq!(settings(&world, "team-files").encryption, Encryption::Kms { key, bucket_key: true });
    world.run("bucket encryption team-files set kms --no-bucket-key");
    assert_eq!(settings(&world, "team-files").encryption, Encryption::Kms { key: None, bucket_key: false });
    world.run("bucket encryption team-files set aes256");
    assert_eq!(settings(&world, "team-files").encryption, Encryption::Aes256);
    assert!(matches!(world.error("bucket encryption team-files set"), CommandError::Missing(missing) if missing == ["kind"]));
    assert!(matches!(world.error("bucket encryption team-files set aes256 --key k"), CommandError::Invalid { argument: "key", .. }));
    assert!(matches!(world.error("bucket encryption team-files show kms"), CommandError::Invalid { argument: "action", .. }));
    assert!(matches!(world.error("bucket encryption team-files set kms --key \"a b\""), CommandError::Invalid { argument: "key", .. }));
}

#[test]
fn access_policies_are_made_changed_and_revoked() {
    let world = World::new();
    assert!(world.run("bucket access team-files list").contains("0 policies"));
    insta::assert_snapshot!(world.run("bucket access team-files create partners --permissions lr --expires 7d"), @r"
    ✓ Added the policy partners
    It takes up to 30 s until it holds.
    Before: none
    Now:    rl, until Mon 2026-11-30 10:30 UTC
    1 policy
    Id        Allows           From  Until
    ────────  ───────────────  ────  ────────────────────────
    partners  rl (read, list)        Mon 2026-11-30 10:30 UTC
    ");
    let AccessPolicy { permissions, expires, .. } = settings(&world, "team-files").policies[0].clone();
    assert_eq!((Permission::letters(&permissions).as_str(), expires), ("rl", Some("2026-11-30T10:30:00Z".parse().unwrap())));
    assert!(refused(world.error("bucket access team-files create partners --permissions r --expires 1d")).contains("already"));
    let changed = world.run("bucket access team-files change partners --permissions rwl");
    assert!(changed.contains("Before: rl, until") && changed.contains("Now:    rwl, until") && changed.contains("up to 30 s"), "{changed}");
    assert!(matches!(
        world.error("bucket access team-files change partner --expires 3d"),
        CommandError::NotFound { nearest: Some(near), .. } if near == "partners"
    ));
    assert_eq!(Permission::letters(&settings(&world, "team-files").policies[0].permissions), "rwl");
    assert_eq!(settings(&world, "team-files").policies[0].expires, expires);
    assert!(world.run("bucket access team-files revoke partners").contains("stop working"));
    assert_eq!(settings(&world, "team-files").policies, []);
    assert!(matches!(world.error("bucket access team-files create"), CommandError::Missing(missing) if missing == ["id"]));
    assert!(
        matches!(world.error("bucket access team-files create x"), CommandError::Missing(missing) if missing == ["permissions", "expires"])
    );
    assert!(matches!(
        world.error("bucket access team-files create x --permissions q --expires 1d"),
        CommandError::Invalid { argument: "permissions", .. }
    ));
    assert!(matches!(world.error("bucket access team-files change x --permissions r"), CommandError::NotFound { .. }));
    assert!(matches!(world.error("bucket access team-files revoke x"), CommandError::Port(_)));
    assert!(matches!(world.error("bucket access nope list"), CommandError::NotFound { what: "bucket", .. }));
    *world.stores.0[0].buckets.as_ref().unwrap().no_policies.lock().unwrap() = true;
    assert!(refused(world.error("bucket access team-files list")).contains("keeps no access policies"));
}

#[test]
fn showing_needs_no_role_and_asks_nothing() {
    let world = World::new();
    for line in [
        "bucket lifecycle b",
        "bucket lifecycle b show",
        "bucket encryption b show",
        "bucket access b list",
        "bucket versioning b",
        "bucket list",
    ] {
        assert_eq!(weight(&world, line), (Access::Member, Effect::Reads), "{line}");
    }
    for line in ["bucket lifecycle b set --expire 3d --replace", "bucket lifecycle b clear", "bucket delete b"] {
        assert_eq!(weight(&world, line), (Access::Admin, Effect::Destroys), "{line}");
    }
    for line in ["bucket encryption b set aes256", "bucket access b revoke x", "bucket versioning b off", "bucket create b"] {
        assert_eq!(weight(&world, line), (Access::Admin, Effect::Writes), "{line}");
    }
    assert!(world.run("role explain bob bucket lifecycle team-files show").starts_with("✓ bob may run"));
    assert!(world.run("role explain bob bucket lifecycle team-files clear").starts_with("! bob may not run"));
    assert!(world.run("schedule add \"0 9 * * 1\" bucket lifecycle team-files show").contains("bucket lifecycle"));
    assert!(refused(world.error("schedule add \"0 9 * * 1\" bucket lifecycle team-files clear")).contains("destroys"));
}

#[test]
fn names_are_proposed() {
    let world = World::new();
    assert_eq!(world.complete("bucket info", "name", "team"), ["team-files"]);
    assert_eq!(world.complete("bucket lifecycle", "name", "").len(), 4);
    assert_eq!(world.complete("bucket create", "name", ""), Vec::<String>::new());
    assert_eq!(world.complete("bucket list", "store", "p"), ["plain"]);
}

//! Backups: made, checked, brought back; what is damaged is found and named, and what ended in the middle doesn't count.

mod damage;

use super::catalogue::buttons_work;
use super::world::World;
use bellhop_core::access::{Access, Effect};
use bellhop_core::ports::{FileStore as _, Records as _};
use bellhop_core::{Call, CommandError, Reply};
use chrono::TimeDelta;
use futures::FutureExt as _;
use futures::executor::block_on;

/// A world with two files of `local` that are backed up to `plain:keep/docs/`.
fn backed_up(more: &str) -> World {
    let world = World::new();
    world.stores.0[0].keep("reports/a.txt", b"the first report");
    world.stores.0[0].keep("reports/deep/b.bin", &vec![7; 70_000]);
    world.stores.0[0].keep("other.txt", b"not meant");
    world.run(&format!("file backup add docs --from local:reports/ --to plain:keep {more}"));
    world
}

fn objects(world: &World) -> Vec<String> {
    block_on(world.stores.0[1].list("keep/", None, 1000)).unwrap().files.into_iter().map(|file| file.name).collect()
}

fn manifests(world: &World) -> Vec<String> {
    objects(world).into_iter().filter(|name| name.ends_with("/manifest.json")).collect()
}

fn ran(world: &World) -> String {
    let said = world.run("file backup run docs");
    world.clock.advance(TimeDelta::minutes(1));
    said
}

#[test]
fn files_are_backed_up_checked_and_brought_back() {
    let world = World::new();
    world.stores.0[0].keep("reports/a.txt", b"the first report");
    world.stores.0[0].keep("reports/deep/b.bin", &vec![7; 70_000]);
    world.stores.0[0].keep("other.txt", b"not meant");
    let added = world.reply("file backup add docs --from local:reports/ --to plain:keep --every \"0 3 * * *\" --tz Europe/Berlin --keep 2");
    buttons_work(&world, &added.card);
    insta::assert_snapshot!(world.text(&added.card), @r"
    ✓ The backup docs is set up
    Backs up: local:reports/
    To:       plain:keep/docs/
    When:     0 3 * * * (Europe/Berlin), next Tue 2026-11-24 03:00 CET
    Keeps:    2 runs
    It is encrypted under the bot's own key (01e21cd2): [secrets] master_key, or the file master.key in its data folder. Keep a copy of that key elsewhere; without it nobody can read the backup.
    → Run now: file backup run docs
    ");
    let made = ran(&world);
    assert!(made.contains("2 objects") && made.contains("Encrypted: yes"), "{made}");
    // Neither a name nor any content is to be read in the store.
    for name in objects(&world) {
        let bytes = world.stores.0[1].content(&name).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("report") && !text.contains("deep"), "{name}");
    }
    let verified = world.run("file backup verify docs");
    assert!(verified.contains("is whole") && verified.contains("2 objects"), "{verified}");
    let listed = world.reply("file backup list");
    assert!(world.text(&listed.card).contains("verified"), "{}", world.text(&listed.card));
    let one = world.reply("file backup list docs");
    buttons_work(&world, &one.card);
    assert!(world.text(&one.card).contains("next run: Tue 2026-11-24 02:00 UTC"), "{}", world.text(&one.card));
    let restored = world.run("file backup restore docs --to plain:back/");
    assert!(restored.contains("2 files"), "{restored}");
    assert_eq!(world.stores.0[1].content("back/a.txt").unwrap(), b"the first report");
    assert_eq!(world.stores.0[1].content("back/deep/b.bin").unwrap(), vec![7; 70_000]);
    assert_eq!(world.stores.0[1].content("back/other.txt"), None);
    // The schedule runs it and goes with it; what is stored stays, and is found again.
    let schedule = world.schedules.0.lock().unwrap()[0].clone();
    assert_eq!((schedule.line.as_str(), schedule.cron.as_str()), ("file backup run docs", "0 3 * * *"));
    assert_eq!(world.registry.parse(&schedule.line).unwrap().invoke, schedule.invoke);
    let before = objects(&world);
    assert!(world.run("file backup remove docs").contains("1 run"));
    assert!(world.schedules.0.lock().unwrap().is_empty());
    assert_eq!(objects(&world), before);
    let again = world.run("file backup add docs --from local:reports/ --to plain:keep/");
    assert!(again.contains("1 run that lay there already"), "{again}");
    assert!(world.run("file backup verify docs").contains("is whole"));
}

#[test]
fn what_is_there_is_not_destroyed() {
    let world = backed_up("");
    ran(&world);
    world.stores.0[1].keep("back/a.txt", b"something else");
    let refused = world.error("file backup restore docs --to plain:back/").to_string();
    assert!(refused.contains("back/a.txt") && refused.contains("--replace"), "{refused}");
    assert_eq!(world.stores.0[1].content("back/deep/b.bin"), None, "nothing was written");
    let dry = world.run("file backup restore docs --to plain:back/ --dry-run");
    assert!(dry.contains("2 files") && dry.contains("in the way"), "{dry}");
    let weighed = |line: &str| {
        let understood = world.registry.parse(line).unwrap();
        world.registry.get(&understood.invoke.command).unwrap().weighed(&understood.invoke.args).effect
    };
    assert_eq!(weighed("file backup restore docs --to plain:back/"), Effect::Writes);
    assert_eq!(weighed("file backup restore docs --to plain:back/ --replace"), Effect::Destroys);
    assert_eq!(weighed("file backup remove docs --files"), Effect::Destroys);
    assert_eq!(weighed("file backup list"), Effect::Reads);
    let plan = world.text(&world.plan("file backup restore docs --to plain:back/ --replace").unwrap());
    assert!(plan.contains("1 file with other content would be replaced") && plan.contains("back/a.txt"), "{plan}");
    world.run("file backup restore docs --to plain:back/ --replace");
    assert_eq!(world.stores.0[1].content("back/a.txt").unwrap(), b"the first report");
    assert!(world.run("file backup restore docs --to plain:back/").contains("2 were there already"));
    let gone = world.text(&world.plan("file backup remove docs --files").unwrap());
    assert!(gone.contains("1 run"), "{gone}");
    world.run("file backup remove docs --files");
    assert!(objects(&world).is_empty());
}

#[test]
fn another_key_is_told_from_damage() {
    let world = backed_up("");
    ran(&world);
    *world.keyring.0.lock().unwrap() = 9;
    let error = world.error("file backup verify docs");
    assert!(matches!(&error, CommandError::Refused(why) if why.contains("master_key")), "{error}");
    world.error("file backup restore docs --to plain:back/");
}

#[test]
fn older_runs_go_once_a_newer_one_is_whole() {
    let world = backed_up("--keep 2");
    for _ in 0..2 {
        ran(&world);
    }
    let before = manifests(&world);
    let third = ran(&world);
    assert!(third.contains("1 older run removed") && third.contains("read back, and is whole"), "{third}");
    let after = manifests(&world);
    assert_eq!((after.len(), &after[0]), (2, &before[1]));
    assert!(objects(&world).iter().all(|name| after.iter().any(|manifest| name.starts_with(manifest.trim_end_matches("manifest.json")))));
    // One that fails takes nothing away, and leaves nothing.
    world.stores.0[1].fail_writes_after(1);
    world.error("file backup run docs");
    world.stores.0[1].fail_writes_after(u32::MAX);
    assert_eq!(manifests(&world), after);
    assert_eq!(objects(&world).len(), 8);
    assert!(world.run("file backup list docs").contains("The last failure"));
    // One that the store keeps otherwise than it was written takes nothing away either.
    world.stores.0[1].spoil_next_write();
    let spoilt = world.try_run("file backup run docs").map(|reply| world.text(&reply.card));
    assert!(manifests(&world).len() >= 2 && after.iter().all(|run| manifests(&world).contains(run)), "{spoilt:?}");
}

fn stuck(world: &World, call: &Call) {
    world.stores.0[1].stick_after(1);
    let understood = world.registry.parse("file backup run docs").unwrap();
    let command = world.registry.get("file backup").unwrap();
    // Dropped while it writes, as by kill -9.
    assert!(command.run(call, &understood.invoke.args).now_or_never().is_none());
    world.stores.0[1].stick_after(u32::MAX);
}

#[test]
fn what_ended_in_the_middle_is_no_run_and_is_cleared_away() {
    let world = backed_up("");
    let call = world.call(Access::Operator);
    stuck(&world, &call);
    assert!(manifests(&world).is_empty() && !objects(&world).is_empty());
    assert!(matches!(world.error("file backup verify docs"), CommandError::Refused(why) if why.contains("no complete run")));
    // Another call lets it be for as long as it may live.
    let left = objects(&world);
    ran(&world);
    assert!(left.iter().all(|name| objects(&world).contains(name)));
    assert_eq!(manifests(&world).len(), 1);
    // The same call after a restart knows that it is dead.
    let again: Reply = world.try_call(&call, "file backup run docs").unwrap();
    assert!(world.text(&again.card).contains("is made"));
    assert!(left.iter().all(|name| !objects(&world).contains(name)));
    assert_eq!(manifests(&world).len(), 2);
    // And run once more it says what it has done.
    let known = objects(&world);
    let said = world.text(&world.try_call(&call, "file backup run docs").unwrap().card);
    assert!(said.contains("is made"), "{said}");
    assert_eq!(objects(&world), known);
    // Anyone clears away what has been silent for long.
    let other = world.call(Access::Operator);
    stuck(&world, &other);
    let left: Vec<String> = objects(&world).into_iter().filter(|name| !known.contains(name)).collect();
    assert!(!left.is_empty());
    world.clock.advance(TimeDelta::minutes(11));
    ran(&world);
    assert!(left.iter().all(|name| !objects(&world).contains(name)));
}

#[test]
fn a_run_that_was_complete_is_never_cleared_away() {
    let world = backed_up("--keep 3");
    ran(&world);
    let run = manifests(&world).remove(0);
    let name = run.split('/').nth(2).unwrap().to_owned();
    // As a database knows it that was restored from this very run.
    let mut note = block_on(world.records.get("backup_run/docs", &name)).unwrap().unwrap();
    note["state"] = "running".into();
    block_on(world.records.put("backup_run/docs", &name, &note)).unwrap();
    world.clock.advance(TimeDelta::hours(1));
    ran(&world);
    assert!(manifests(&world).contains(&run), "it is still there");
    assert!(world.run(&format!("file backup verify docs --run {name}")).contains("is whole"));
    // And an empty run takes no full one away.
    for file in ["reports/a.txt", "reports/deep/b.bin"] {
        block_on(world.stores.0[0].delete(file)).unwrap();
    }
    for _ in 0..3 {
        ran(&world);
    }
    let said = ran(&world);
    assert!(said.contains("since this one is empty"), "{said}");
    assert!(manifests(&world).contains(&run));
}

/// Objects from a certain length on are written in parts, in this world from 60 kB.
#[test]
fn large_objects_go_in_parts_and_leave_none_behind() {
    let world = backed_up("");
    let store = &world.stores.0[1];
    ran(&world);
    assert!(world.run("file backup verify docs").contains("is whole"));
    assert!(store.uploads.lock().unwrap().is_empty());
    // The second part fails: the upload is given up.
    store.fail_writes_after(2);
    world.error("file backup run docs");
    store.fail_writes_after(u32::MAX);
    assert!(store.uploads.lock().unwrap().is_empty());
    // Killed in the second part: the next run gives it up.
    let call = world.call(Access::Operator);
    store.stick_after(2);
    let understood = world.registry.parse("file backup run docs").unwrap();
    assert!(world.registry.get("file backup").unwrap().run(&call, &understood.invoke.args).now_or_never().is_none());
    store.stick_after(u32::MAX);
    assert_eq!(store.uploads.lock().unwrap().len(), 1);
    world.try_call(&call, "file backup run docs").unwrap();
    assert!(store.uploads.lock().unwrap().is_empty());
    assert_eq!(manifests(&world).len(), 2);
}

#[test]
fn it_ends_when_it_is_cancelled() {
    let world = backed_up("");
    let call = world.call(Access::Operator);
    call.stop.cancel();
    let error = world.try_call(&call, "file backup run docs").unwrap_err();
    assert!(matches!(&error, CommandError::Refused(why) if why.contains("cancelled")), "{error}");
    assert!(objects(&world).is_empty());
    assert!(world.run("file backup list docs").contains("failed"));
}

#[test]
fn the_bots_own_database_is_for_administrators() {
    let world = World::new();
    *world.database.0.lock().unwrap() = vec![3; 200_000];
    let operator = world.call(Access::Operator);
    let line = "file backup add own --from bellhop --to plain";
    assert!(matches!(world.try_call(&operator, line), Err(CommandError::Refused(why)) if why.contains("administrators")));
    assert!(matches!(world.error(&format!("{line} --plain")), CommandError::Invalid { argument: "plain", .. }));
    world.run(line);
    let made = world.run("file backup run own");
    assert!(made.contains("1 object") && made.contains("195 KiB"), "{made}");
    for line in ["file backup run own", "file backup verify own", "file backup list own", "file backup remove own"] {
        assert!(matches!(world.try_call(&operator, line), Err(CommandError::Refused(_))), "{line}");
    }
    let none = world.text(&world.try_call(&operator, "file backup list").unwrap().card);
    assert!(!none.contains("own"), "{none}");
    let error = world.error("file backup restore own --to plain:back/").to_string();
    assert!(error.contains("bellhop restore --from plain:own/"), "{error}");
}

#[test]
fn a_channel_is_kept_with_its_threads_and_files() {
    let world = World::new();
    world.run("file backup add talk --from #general --to plain:keep");
    let made = world.run("file backup run talk");
    assert!(made.contains("1 thing could not be read") && made.contains("gone.bin"), "{made}");
    world.run("file backup restore talk --to plain:back/");
    let text = String::from_utf8(world.stores.0[1].content("back/transcript.txt").unwrap()).unwrap();
    insta::assert_snapshot!(text.lines().skip(9).take(20).collect::<Vec<_>>().join("\n"), @r"
    [2026-11-23 10:33:00 UTC] Ann
      number 3

        [2026-11-23 10:30:00 UTC] Ann
          reply 0

        [2026-11-23 10:31:00 UTC] Ann
          reply 1

    [2026-11-23 10:34:00 UTC] Ann
      number 4

    [2026-11-23 10:35:00 UTC] Ann
      number 5
      [file a.txt, 18 B: files/000001-a.txt]

    [2026-11-23 10:36:00 UTC] Ann
      number 6
      [file gone.bin: not in the backup: it was deleted]
    ");
    let lines = String::from_utf8(world.stores.0[1].content("back/messages.ndjson").unwrap()).unwrap();
    let texts: Vec<String> =
        lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["text"].as_str().unwrap().to_owned()).collect();
    assert_eq!((texts.len(), texts[0].as_str()), (452, "number 0"));
    let file = block_on(world.stores.0[1].list("back/files/", None, 10)).unwrap().files.remove(0).name;
    assert_eq!(world.stores.0[1].content(&file).unwrap(), b"the bytes of a.txt");
    let posted = world.run("file backup restore talk --to #general");
    assert!(posted.contains("is posted in"), "{posted}");
    assert_eq!(world.said.0.lock().unwrap().len(), 1);
    assert!(matches!(world.error("file backup add mute --from #ops --to plain"), CommandError::Invalid { argument: "from", .. }));
}

#[test]
fn what_was_said_in_private_stays_there() {
    let world = World::new();
    let line = "file backup add quiet --from #secret --to plain:keep";
    let mut operator = world.call(Access::Operator);
    let refused =
        |call: &Call, line: &str| matches!(world.try_call(call, line), Err(CommandError::Refused(why)) if why.contains("is private"));
    assert!(refused(&operator, line));
    world.run(line);
    world.run("file backup run quiet");
    assert!(refused(&operator, "file backup restore quiet --to plain:back/") && refused(&operator, "file backup run quiet"));
    operator.at.channel = "secret".into();
    world.try_call(&operator, "file backup restore quiet --to plain:back/").unwrap();
}

#[test]
fn mistakes_are_told() {
    let world = backed_up("");
    for (line, what) in [
        ("file backup add docs --from local --to plain", "there is a backup docs already"),
        ("file backup add x --from nowhere:a --to plain", "there is no store `nowhere`"),
        ("file backup add x --from local --to planet", "did you mean plain?"),
        ("file backup add x --from local:../up --to plain", "climb"),
        ("file backup add a/b --from local --to plain", "letters, digits"),
        ("file backup add x --from local --to plain --tz UTC", "--tz goes with --every"),
        ("file backup add x --from local --to plain --every \"0 0 30 2 *\"", "never due"),
        ("file backup run docs --keep 3", "--keep goes with add"),
        ("file backup run dosc", "there is no backup `dosc`"),
        ("file backup verify docs", "no complete run yet"),
        ("file backup restore docs --to plain:x/", "no complete run yet"),
    ] {
        let said = world.error(line).to_string();
        assert!(said.contains(what), "{line}: {said}");
    }
    assert!(matches!(world.error("file backup add x --from local"), CommandError::Missing(missing) if missing == ["to"]));
    assert!(matches!(world.error("file backup run"), CommandError::Missing(missing) if missing == ["name"]));
    // Its own folder is no part of what it backs up.
    world.run("file backup add self --from plain --to plain:keep");
    world.stores.0[1].keep("a.txt", b"a");
    for _ in 0..2 {
        assert!(world.run("file backup run self").contains("1 object"), "no backup in the backup");
        world.clock.advance(TimeDelta::minutes(1));
    }
    assert_eq!(block_on(world.records.after("backup", None, 10)).unwrap().len(), 2);
}

//! Dependencies point one way: bot to catalog and adapters, those to core, adapters to the HTTP client; tests to
//! everything, and nothing but tests to them.

use bellhop_house::{Member, files, members, none, workspace};

/// What a member may depend on, among the members.
fn may(from: &Member, to: &str) -> bool {
    match from.folder.as_str() {
        "commands/core" => false,
        "commands/charts" | "adapters/http" => to == "bellhop-core",
        "commands/catalog" => matches!(to, "bellhop-core" | "bellhop-charts"),
        folder if folder.starts_with("adapters/") => matches!(to, "bellhop-core" | "bellhop-http"),
        "bot" => !members().iter().any(|member| member.name == to && member.folder.starts_with("tests/")),
        folder => folder.starts_with("tests/"),
    }
}

#[test]
fn dependencies_point_one_way() {
    let members = members();
    let ours = |name: &String| members.iter().any(|member| member.name == *name);
    let mut found = Vec::new();
    for member in &members {
        for section in ["dependencies", "build-dependencies"] {
            found.extend(
                member
                    .depends(section)
                    .into_iter()
                    .filter(|name| ours(name) && !may(member, name))
                    .map(|name| format!("{} -> {name}", member.folder)),
            );
        }
        // Tests of an adapter run the suites of the kit; nothing else of the tests concerns them.
        let dev = member.depends("dev-dependencies").into_iter().filter(|name| ours(name) && !may(member, name) && *name != member.name);
        found.extend(
            dev.filter(|name| name != "bellhop-kit" || member.folder == "commands/core")
                .map(|name| format!("{} -> {name} (for its tests)", member.folder)),
        );
    }
    none("These dependencies point the wrong way:", &found);
}

#[test]
fn every_manifest_is_a_members() {
    let members = members();
    let found: Vec<String> = files()
        .into_iter()
        .filter_map(|file| file.path.strip_suffix("/Cargo.toml").map(str::to_owned))
        .filter(|folder| folder != "fuzz" && !members.iter().any(|member| member.folder == *folder))
        .collect();
    none("These folders have a manifest and are no members of the workspace:", &found);
    let found: Vec<String> = members
        .iter()
        .filter(|member| member.manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool) != Some(true))
        .map(|member| member.folder.clone())
        .collect();
    none("These members don't take the workspace's lints:", &found);
}

#[test]
fn dependencies_are_declared_once() {
    let mut found = Vec::new();
    let mut used = std::collections::BTreeSet::new();
    for member in members() {
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for name in member.depends(section) {
                let inherited = member.manifest[section][&name].get("workspace").and_then(toml::Value::as_bool) == Some(true);
                if !inherited {
                    found.push(format!("{}: {name}", member.folder));
                }
                used.insert(name);
            }
        }
    }
    none("These are not taken from [workspace.dependencies]:", &found);
    let workspace = workspace();
    let declared = workspace["workspace"]["dependencies"].as_table().unwrap();
    let unused: Vec<String> = declared.keys().filter(|name| !used.contains(*name)).cloned().collect();
    none("These are declared in [workspace.dependencies] and no member uses them:", &unused);
}

#[test]
fn every_dependency_has_its_reason() {
    let text = std::fs::read_to_string(bellhop_house::root().join("Cargo.toml")).unwrap();
    let mut reason = false;
    let mut sharing = 0;
    let mut found = Vec::new();
    let section = text.lines().skip_while(|line| *line != "[workspace.dependencies]").skip(1).take_while(|line| !line.starts_with('['));
    for line in section {
        if line.starts_with('#') {
            (reason, sharing) = (true, 0);
        } else if line.trim().is_empty() {
            reason = false;
        } else if let Some((name, value)) = line.split_once(" = ") {
            sharing += usize::from(!value.contains("path ="));
            if !reason || sharing > 3 {
                found.push(format!("{name}{}", if reason { ": more than three share one reason" } else { "" }));
            }
        }
    }
    none("These dependencies have no comment above them that says why they are here:", &found);
}

#[test]
fn core_does_no_input_or_output() {
    let core = members().into_iter().find(|member| member.folder == "commands/core").unwrap();
    let outward = ["tokio", "reqwest", "hyper", "axum", "sqlx", "rustls", "tempfile", "getrandom", "tracing", "metrics", "bellhop-http"];
    let found: Vec<String> = core.depends("dependencies").into_iter().filter(|name| outward.contains(&name.as_str())).collect();
    none("The vocabulary depends on what reaches outside:", &found);
    let reaching = ["std::fs", "std::net", "std::env", "std::process", "Utc::now", "SystemTime", "Instant::now", "tokio::"];
    let mut found = Vec::new();
    for file in files().iter().filter(|file| file.under("commands/core/src")) {
        found.extend(
            file.lines()
                .filter(|(_, line)| reaching.iter().any(|word| line.contains(word)) && !line.trim_start().starts_with("//"))
                .map(|(at, line)| format!("{}:{at}: {}", file.path, line.trim())),
        );
    }
    none("The vocabulary reaches outside:", &found);
}

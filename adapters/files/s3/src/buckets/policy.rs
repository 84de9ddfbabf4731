//! A bucket's policy in words: a sentence for each statement. It says what is written there, not what follows from it
//! together with the policies of users and accounts, which can't be seen from here.

use bellhop_core::ports::PublicLevel;
use bellhop_core::text::{one_line, shorten};
use serde_json::Value;

/// What stands for everything in lists.
const ALL: &str = "*";

/// Texts of a member that is one text or several.
fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(list)) => list.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect(),
        Some(other) => vec![other.to_string()],
        None => Vec::new(),
    }
}

fn statements(policy: &str) -> Option<Vec<Value>> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    match policy.get("Statement")? {
        Value::Array(list) => Some(list.clone()),
        one => Some(vec![one.clone()]),
    }
}

/// Each statement as a sentence without a full stop.
pub(super) fn words(policy: &str) -> Vec<String> {
    let Some(statements) = statements(policy) else { return vec!["there is a policy that can't be read".to_owned()] };
    statements.iter().map(sentence).collect()
}

fn sentence(statement: &Value) -> String {
    let allows = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
    let (who, everyone_but) = match (statement.get("Principal"), statement.get("NotPrincipal")) {
        (_, Some(but)) => (people(but), true),
        (Some(who), None) => (people(who), false),
        (None, None) => ("nobody".to_owned(), false),
    };
    let who = if everyone_but { format!("everyone but {who}") } else { who };
    let what = match (texts(statement.get("Action")), texts(statement.get("NotAction"))) {
        (_, but) if !but.is_empty() => format!("do anything but {}", list(&but, deed)),
        (actions, _) if actions.iter().any(|action| action == ALL || action == "s3:*") => "do anything".to_owned(),
        (actions, _) => list(&actions, deed),
    };
    let at = match (texts(statement.get("Resource")), texts(statement.get("NotResource"))) {
        (_, but) if !but.is_empty() => format!("everywhere but in {}", list(&but, place)),
        (resources, _) => format!("in {}", list(&resources, place)),
    };
    let mut words = format!("{who} {} {what} {at}", if allows { "may" } else { "may not" });
    if let Some(Value::Object(conditions)) = statement.get("Condition") {
        for (operator, values) in conditions {
            for (key, value) in values.as_object().into_iter().flatten() {
                words = format!("{words}, if {key} {operator} {}", texts(Some(value)).join(" or "));
            }
        }
    }
    shorten(&one_line(&words), 400)
}

fn list(items: &[String], word: fn(&str) -> String) -> String {
    const SHOWN: usize = 6;
    let mut shown: Vec<String> = items.iter().take(SHOWN).map(|item| word(item)).collect();
    if items.len() > SHOWN {
        shown.push(format!("{} more", items.len() - SHOWN));
    }
    shown.join(", ")
}

fn people(principal: &Value) -> String {
    let who = match principal {
        Value::String(text) => vec![text.clone()],
        Value::Object(kinds) => kinds.iter().flat_map(|(_, value)| texts(Some(value))).collect(),
        other => vec![other.to_string()],
    };
    if who.iter().any(|one| one == ALL) {
        return "everyone".to_owned();
    }
    list(&who, |one| match one.strip_prefix("arn:aws:iam::") {
        Some(rest) => match rest.split_once(":root") {
            Some((account, "")) => format!("the account {account}"),
            _ => rest.to_owned(),
        },
        None => one.to_owned(),
    })
}

fn deed(action: &str) -> String {
    match action {
        "s3:GetObject" => "read files",
        "s3:GetObjectVersion" => "read older versions",
        "s3:PutObject" => "write files",
        "s3:DeleteObject" => "delete files",
        "s3:DeleteObjectVersion" => "delete versions",
        "s3:ListBucket" => "list files",
        "s3:ListBucketVersions" => "list versions",
        other => other,
    }
    .to_owned()
}

fn place(resource: &str) -> String {
    resource.strip_prefix("arn:aws:s3:::").unwrap_or(resource).to_owned()
}

/// How far a policy lets strangers reach, conditions left aside; a refusal by it is not weighed against.
pub(super) fn reach(policy: &str) -> PublicLevel {
    let mut level = PublicLevel::Closed;
    let rank = |level: PublicLevel| match level {
        PublicLevel::Closed => 0,
        PublicLevel::Read => 1,
        PublicLevel::List => 2,
        PublicLevel::Write => 3,
    };
    for statement in statements(policy).unwrap_or_default() {
        let everyone = statement.get("Principal").map(people).is_some_and(|who| who == "everyone");
        if statement.get("Effect").and_then(Value::as_str) != Some("Allow") || !everyone || statement.get("Condition").is_some() {
            continue;
        }
        for action in texts(statement.get("Action")) {
            let reached = match action.as_str() {
                "s3:GetObject" | "s3:GetObjectVersion" | "s3:Get*" => PublicLevel::Read,
                "s3:ListBucket" | "s3:ListBucketVersions" | "s3:List*" => PublicLevel::List,
                action if action == ALL || action == "s3:*" || action.starts_with("s3:Put") || action.starts_with("s3:Delete") => {
                    PublicLevel::Write
                }
                _ => continue,
            };
            if rank(reached) > rank(level) {
                level = reached;
            }
        }
    }
    level
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn statements_are_told_in_words() {
        let policy = json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::files/public/*" },
            { "Effect": "Deny", "Principal": { "AWS": "*" }, "Action": "s3:*", "Resource": ["arn:aws:s3:::files", "arn:aws:s3:::files/*"],
              "Condition": { "Bool": { "aws:SecureTransport": "false" } } },
            { "Effect": "Allow", "Principal": { "AWS": ["arn:aws:iam::111122223333:root", "arn:aws:iam::1:user/ann"] },
              "Action": ["s3:PutObject", "s3:GetObjectTagging"], "Resource": "arn:aws:s3:::files/*" },
            { "Effect": "Deny", "NotPrincipal": { "AWS": "arn:aws:iam::1:role/x" }, "NotAction": "s3:ListBucket", "NotResource": "a" },
        ]})
        .to_string();
        assert_eq!(
            words(&policy),
            [
                "everyone may read files in files/public/*",
                "everyone may not do anything in files, files/*, if aws:SecureTransport Bool false",
                "the account 111122223333, 1:user/ann may write files, s3:GetObjectTagging in files/*",
                "everyone but 1:role/x may not do anything but list files everywhere but in a",
            ]
        );
        assert_eq!(words("nonsense"), ["there is a policy that can't be read"]);
        assert_eq!(words(r#"{"Statement":{"Effect":"Allow","Principal":7}}"#).len(), 1);
    }

    #[test]
    fn what_strangers_reach_is_the_most_that_is_allowed() {
        let policy = |effect: &str, principal: Value, actions: Value| {
            json!({ "Statement": [{ "Effect": effect, "Principal": principal, "Action": actions, "Resource": "*" }] }).to_string()
        };
        assert_eq!(reach(&policy("Allow", json!("*"), json!("s3:GetObject"))), PublicLevel::Read);
        assert_eq!(reach(&policy("Allow", json!({ "AWS": "*" }), json!(["s3:GetObject", "s3:ListBucket"]))), PublicLevel::List);
        assert_eq!(reach(&policy("Allow", json!("*"), json!("*"))), PublicLevel::Write);
        assert_eq!(reach(&policy("Deny", json!("*"), json!("*"))), PublicLevel::Closed);
        assert_eq!(reach(&policy("Allow", json!({ "AWS": "arn:aws:iam::1:root" }), json!("*"))), PublicLevel::Closed);
        assert_eq!(reach("nonsense"), PublicLevel::Closed);
    }
}

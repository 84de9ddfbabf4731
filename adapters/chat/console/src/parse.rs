//! What comes from the browser, understood: which lines are commands, what a form answers, which bytes are wanted. Pure:
//! it looks nothing up and changes nothing.

use bellhop_core::form::{Answers, Form, InputKind};
use bellhop_core::ids::EventKey;
use bellhop_core::text;
use bellhop_core::tokenise::LONGEST;

/// What a typed text is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// A command line, without `/` or `@bellhop`.
    Command(String),
    /// Talk between people.
    Talk,
}

/// In a channel a line that begins with `/` or `@bellhop` is a command; in the conversation with the bot every line is.
/// A bare `/` or `@bellhop` asks what there is.
pub(crate) fn typed(line: &str, direct: bool) -> Typed {
    let line = line.trim();
    let rest = line.strip_prefix('/').or_else(|| mention(line));
    match rest {
        Some(rest) if rest.trim().is_empty() => Typed::Command("help".to_owned()),
        Some(rest) => Typed::Command(rest.trim().to_owned()),
        None if direct => Typed::Command(line.to_owned()),
        None => Typed::Talk,
    }
}

fn mention(line: &str) -> Option<&str> {
    let (head, rest) = line.split_at_checked("@bellhop".len())?;
    let ends = rest.is_empty() || rest.starts_with(|c: char| c.is_whitespace() || c == ':' || c == ',');
    (head.eq_ignore_ascii_case("@bellhop") && ends).then(|| rest.trim_start_matches([':', ',']))
}

/// The text of a message as it is kept, or what is wrong with it.
pub(crate) fn message_text(raw: &str) -> Result<String, String> {
    if raw.len() > LONGEST {
        return Err(format!(
            "This message is {} long, and a message may be 64 KiB. Attach long text as a file instead.",
            text::bytes(raw.len() as u64)
        ));
    }
    Ok(text::visible(&raw.replace("\r\n", "\n")).trim().to_owned())
}

/// A key made by the browser, so that what is sent twice is one event. The person is part of it: nobody can take
/// another's key.
pub(crate) fn event_key(person: &str, key: &str) -> Result<EventKey, String> {
    let good = (8..=64).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if good {
        Ok(EventKey::new(format!("{person}/{key}")))
    } else {
        Err("The request's key is 8 to 64 letters, digits and dashes; reload the page.".to_owned())
    }
}

/// The fields of a submitted form as answers to its questions; what the form does not ask is dropped.
pub(crate) fn answers(form: &Form, fields: &[(String, String)]) -> Answers {
    let mut answers = Answers::new();
    for input in &form.inputs {
        let given = fields.iter().filter(|(name, _)| name.strip_prefix("a.") == Some(input.id.as_str())).map(|(_, value)| value.as_str());
        let values: Vec<String> = match &input.kind {
            InputKind::Lines => {
                given.flat_map(str::lines).map(|line| text::one_line(line).trim().to_owned()).filter(|line| !line.is_empty()).collect()
            }
            InputKind::Flag => given.take(1).filter(|value| !value.is_empty()).map(|_| "true".to_owned()).collect(),
            InputKind::Choice(choices) => {
                given.take(1).filter(|value| choices.iter().any(|choice| choice == value)).map(str::to_owned).collect()
            }
            InputKind::Text | InputKind::Search => {
                given.take(1).map(|value| text::visible(value).trim().to_owned()).filter(|value| !value.is_empty()).collect()
            }
        };
        if !values.is_empty() {
            answers.insert(input.id.clone(), values);
        }
    }
    answers
}

/// The secret of a log-in link, from the secret itself or the whole link as it was pasted.
pub(crate) fn pass(pasted: &str) -> &str {
    let pasted = pasted.trim();
    let secret = pasted.rsplit_once("token=").map_or(pasted, |(_, secret)| secret);
    secret.split(['&', '#']).next().unwrap_or_default()
}

/// A file's name as the sender's machine called it: the last part of a path, on one line, without hidden marks.
pub(crate) fn file_name(raw: &str) -> String {
    let name = raw.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = text::one_line(name);
    let name = name.trim();
    match name {
        "" | "." | ".." => "file".to_owned(),
        name if name.len() <= 200 => name.to_owned(),
        name => {
            // The ending says what it is: it survives the shortening.
            let ending = name
                .rsplit_once('.')
                .map(|(_, ending)| ending)
                .filter(|e| e.len() <= 12 && e.is_ascii())
                .map_or(String::new(), |e| format!(".{e}"));
            let mut end = 180;
            while !name.is_char_boundary(end) {
                end -= 1;
            }
            format!("{}{ending}", &name[..end])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bellhop_core::form::Input;
    use proptest::prelude::*;

    #[test]
    fn commands_are_told_from_talk() {
        let command = |text: &str| Typed::Command(text.to_owned());
        assert_eq!(typed("/file list", false), command("file list"));
        assert_eq!(typed("  /help ", false), command("help"));
        assert_eq!(typed("/", false), command("help"));
        assert_eq!(typed("@bellhop file list", false), command("file list"));
        assert_eq!(typed("@Bellhop: status", false), command("status"));
        assert_eq!(typed("@bellhop", false), command("help"));
        assert_eq!(typed("@bellhops are fine", false), Typed::Talk);
        assert_eq!(typed("hello @bellhop", false), Typed::Talk);
        assert_eq!(typed("héllo wörld", false), Typed::Talk);
        assert_eq!(typed("file list", true), command("file list"));
        assert_eq!(typed("/file list", true), command("file list"));
    }

    #[test]
    fn long_and_hidden_text_is_handled() {
        assert_eq!(message_text(" a\u{202e}b\r\nc ").unwrap(), "ab\nc");
        let refused = message_text(&"x".repeat(1 << 20)).unwrap_err();
        assert_eq!(refused, "This message is 1 MiB long, and a message may be 64 KiB. Attach long text as a file instead.");
    }

    #[test]
    fn forms_answer_only_what_they_ask() {
        let input = |id: &str, kind| Input {
            id: id.into(),
            label: id.into(),
            hint: String::new(),
            required: false,
            problem: None,
            value: String::new(),
            kind,
        };
        let form = Form {
            command: "x".into(),
            submit: "Go".into(),
            inputs: vec![
                input("name", InputKind::Text),
                input("tags", InputKind::Lines),
                input("force", InputKind::Flag),
                input("mode", InputKind::Choice(vec!["on".into(), "off".into()])),
                input("left", InputKind::Text),
            ],
        };
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = [
            field("a.name", " Ann "),
            field("a.tags", "x\n\n y "),
            field("a.force", "on"),
            field("a.mode", "sideways"),
            field("a.evil", "1"),
            field("name", "2"),
            field("a.left", " "),
        ];
        let got = answers(&form, &fields);
        let expected = Answers::from([
            ("name".into(), vec!["Ann".into()]),
            ("tags".into(), vec!["x".into(), "y".into()]),
            ("force".into(), vec!["true".into()]),
        ]);
        assert_eq!(got, expected);
    }

    #[test]
    fn links_are_taken_as_pasted() {
        assert_eq!(pass(" abc "), "abc");
        assert_eq!(pass("http://127.0.0.1:8787/login?token=abc&x=1"), "abc");
    }

    #[test]
    fn file_names_lose_their_folders() {
        assert_eq!(file_name("C:\\dir\\a b.txt"), "a b.txt");
        assert_eq!(file_name("../../etc/passwd"), "passwd");
        assert_eq!(file_name(".."), "file");
        assert_eq!(file_name("a\u{202e}gpj.exe"), "agpj.exe");
        let long = file_name(&format!("{}.pdf", "ü".repeat(300)));
        assert!(long.len() <= 200 && long.ends_with("ü.pdf"));
    }

    proptest! {
        #[test]
        fn any_name_can_be_kept(name in any::<String>()) {
            let name = file_name(&name);
            prop_assert!(!name.is_empty() && name.len() <= 200 && !name.contains('/') && !name.contains('\\'));
        }
    }
}

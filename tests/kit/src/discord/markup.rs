//! Discord's markdown as a reader sees it: marks gone, mentions with their names, links found.
//!
//! <https://docs.discord.com/developers/reference#message-formatting>

use super::ids::Id;
use super::state::State;
use bellhop_core::Timestamp;

/// Whom a text names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mentioned {
    pub users: Vec<Id>,
    pub roles: Vec<Id>,
    pub everyone: bool,
}

/// Finds mentions outside of code. A backslash protects from none of them.
pub(super) fn mentioned(text: &str) -> Mentioned {
    let mut found = Mentioned::default();
    let mut rest = text;
    while let Some(at) = rest.find(['`', '<', '@']) {
        rest = &rest[at..];
        if rest.starts_with('`') {
            let ticks = rest.len() - rest.trim_start_matches('`').len();
            let mark = &rest[..ticks];
            rest = match rest[ticks..].find(mark) {
                Some(end) => &rest[ticks + end + ticks..],
                None => &rest[ticks..],
            };
            continue;
        }
        if rest.starts_with("@everyone") || rest.starts_with("@here") {
            found.everyone = true;
        }
        if let Some((kind, id, _)) = entity(rest) {
            match kind {
                "@" | "@!" => found.users.push(id),
                "@&" => found.roles.push(id),
                _ => {}
            }
        }
        rest = &rest[1..];
    }
    found.users.sort_unstable();
    found.users.dedup();
    found.roles.sort_unstable();
    found.roles.dedup();
    found
}

/// `<@1>`, `<@&1>`, `<#1>`: the mark, the id and the length.
fn entity(text: &str) -> Option<(&str, Id, usize)> {
    let end = text.find('>')?;
    let inner = text.strip_prefix('<')?.get(..end - 1)?;
    let digits = inner.find(|c: char| c.is_ascii_digit())?;
    let (mark, id) = inner.split_at(digits);
    if !["@", "@!", "@&", "#"].contains(&mark) {
        return None;
    }
    Some((mark, id.parse().ok()?, end + 1))
}

/// Reads texts for one person.
pub(super) struct Page<'a> {
    state: &'a State,
    zone: chrono_tz::Tz,
    /// Where links lead.
    pub links: Vec<String>,
}

impl<'a> Page<'a> {
    pub(super) fn new(state: &'a State, reader: Id) -> Self {
        let zone = state.users.get(&reader).and_then(|user| user.spec.zone.parse().ok());
        Self { state, zone: zone.unwrap_or(chrono_tz::UTC), links: Vec::new() }
    }

    /// Text with everything that there is; `masked` lets words stand for an address.
    pub(super) fn read(&mut self, text: &str, masked: bool) -> String {
        let mut shown = String::new();
        let mut rest = text;
        // Blocks of code first: nothing in them means anything.
        while let Some(at) = find_plain(rest, "```") {
            let after = &rest[at + 3..];
            let Some(end) = after.find("```") else { break };
            let block = &after[..end];
            let own = block.split_once('\n').filter(|(first, _)| first.chars().all(|c| c.is_alphanumeric() || "+-_.#".contains(c)));
            shown.push_str(&self.lines(&rest[..at], masked));
            let code = own.map_or(block, |(_, code)| code);
            shown.push_str(code.strip_suffix('\n').unwrap_or(code));
            rest = &after[end + 3..];
        }
        shown.push_str(&self.lines(rest, masked));
        shown
    }

    fn lines(&mut self, text: &str, masked: bool) -> String {
        let lines: Vec<&str> = text.split('\n').collect();
        let mut marks = Vec::new();
        let bare: Vec<&str> = lines
            .iter()
            .map(|line| {
                let (mark, rest) = beginning(line);
                marks.push(mark);
                rest
            })
            .collect();
        // A mark may begin on one line and end on another, as long as the lines are of one kind.
        let mut shown = Vec::new();
        let mut n = 0;
        while n < bare.len() {
            let mut end = n + 1;
            while end < bare.len() && marks[end].is_empty() && marks[n].is_empty() {
                end += 1;
            }
            let chars: Vec<char> = bare[n..end].join("\n").chars().collect();
            shown.push(format!("{}{}", marks[n], self.inline(&chars, masked)));
            n = end;
        }
        shown.join("\n")
    }

    fn inline(&mut self, chars: &[char], masked: bool) -> String {
        let mut shown = String::new();
        let mut n = 0;
        while n < chars.len() {
            let c = chars[n];
            if c == '\\' && chars.get(n + 1).is_some_and(char::is_ascii_punctuation) {
                shown.push(chars[n + 1]);
                n += 2;
                continue;
            }
            let taken = match c {
                '`' => code(chars, n, &mut shown),
                '<' => self.pointed(chars, n, &mut shown),
                '[' if masked => self.masked(chars, n, &mut shown),
                'h' if !chars[..n].last().is_some_and(|before| before.is_alphanumeric()) => self.address(chars, n, &mut shown),
                '*' | '_' | '~' | '|' => self.marked(chars, n, masked, &mut shown),
                _ => None,
            };
            if taken.is_none() {
                shown.push(c);
            }
            n = taken.unwrap_or(n + 1);
        }
        shown
    }

    /// `<@1>`, `<#1>`, `<t:1>`, `<https://x>`.
    fn pointed(&mut self, chars: &[char], n: usize, shown: &mut String) -> Option<usize> {
        let end = chars[n..].iter().position(|c| *c == '>')? + n;
        let text: String = chars[n..=end].iter().collect();
        let inner = &text[1..text.len() - 1];
        if let Some((mark, id, _)) = entity(&text) {
            let guild_role = || self.state.guilds.values().flat_map(|guild| &guild.roles).find(|role| role.id == id);
            let name = match mark {
                "#" => self.state.channels.get(&id).map(|channel| format!("#{}", channel.name)),
                "@&" => guild_role().map(|role| format!("@{}", role.name)),
                _ => self.state.users.get(&id).map(|user| format!("@{}", user.spec.name)),
            };
            shown.push_str(&name.unwrap_or_else(|| "@unknown".to_owned()));
            return Some(end + 1);
        }
        if let Some(rest) = inner.strip_prefix("t:") {
            let (seconds, style) = rest.split_once(':').unwrap_or((rest, "f"));
            let moment = Timestamp::from_timestamp(seconds.parse().ok()?, 0)?;
            shown.push_str(&self.moment(moment, style));
            return Some(end + 1);
        }
        if ["https://", "http://"].iter().any(|scheme| inner.starts_with(scheme)) && !inner.contains(char::is_whitespace) {
            self.links.push(inner.to_owned());
            shown.push_str(inner);
            return Some(end + 1);
        }
        if let Some(rest) = inner.strip_prefix('/')
            && let Some((name, id)) = rest.rsplit_once(':')
            && id.parse::<Id>().is_ok()
        {
            shown.extend(["/", name]);
            return Some(end + 1);
        }
        None
    }

    fn moment(&self, moment: Timestamp, style: &str) -> String {
        let local = moment.with_timezone(&self.zone);
        let pattern = match style {
            "t" => "%-H:%M",
            "T" => "%-H:%M:%S",
            "d" => "%d/%m/%Y",
            "D" => "%-d %B %Y",
            "F" => "%A, %-d %B %Y %-H:%M",
            "R" => {
                let seconds = (moment - self.state.time.now()).num_seconds();
                return if seconds > 0 { format!("in {seconds} seconds") } else { format!("{} seconds ago", -seconds) };
            }
            _ => "%-d %B %Y %-H:%M",
        };
        local.format(pattern).to_string()
    }

    /// `[words](https://x)`.
    fn masked(&mut self, chars: &[char], n: usize, shown: &mut String) -> Option<usize> {
        let middle = find(chars, n + 1, &[']', '('])?;
        let words = &chars[n + 1..middle];
        let start = middle + 2;
        let (mut depth, mut end) = (1, start);
        while end < chars.len() {
            match chars[end] {
                '(' => depth += 1,
                ')' => depth -= 1,
                c if c.is_whitespace() => return None,
                _ => {}
            }
            if depth == 0 {
                break;
            }
            end += 1;
        }
        let address: String = chars.get(start..end)?.iter().collect();
        let address = address.trim_start_matches('<').trim_end_matches('>').to_owned();
        if depth != 0 || words.is_empty() || !["https://", "http://"].iter().any(|scheme| address.starts_with(scheme)) {
            return None;
        }
        // Words that are an address of their own make no link.
        let plain: String = words.iter().collect();
        if plain.contains("://") {
            return None;
        }
        let words = self.inline(words, false);
        shown.push_str(&words);
        self.links.push(address);
        Some(end + 1)
    }

    /// Addresses that are links by themselves.
    fn address(&mut self, chars: &[char], n: usize, shown: &mut String) -> Option<usize> {
        let starts = |scheme: &str| chars[n..].iter().zip(scheme.chars()).filter(|(one, other)| **one == *other).count() == scheme.len();
        let length = if starts("https://") {
            8
        } else if starts("http://") {
            7
        } else {
            return None;
        };
        let mut end = n + length;
        while end < chars.len() && !chars[end].is_whitespace() && !matches!(chars[end], '<' | '>' | '|' | '"' | '\\') {
            end += 1;
        }
        while end > n + length && matches!(chars[end - 1], '.' | ',' | ')' | '!' | '?' | ';' | ':' | '*' | '_' | '~' | '\'') {
            end -= 1;
        }
        if end == n + length {
            return None;
        }
        let text: String = chars[n..end].iter().collect();
        shown.push_str(&text);
        self.links.push(text);
        Some(end)
    }

    /// `**bold**` and its like.
    fn marked(&mut self, chars: &[char], n: usize, masked: bool, shown: &mut String) -> Option<usize> {
        let c = chars[n];
        let double = chars.get(n + 1) == Some(&c);
        if matches!(c, '~' | '|') && !double {
            return None;
        }
        let mark: Vec<char> = if double { vec![c, c] } else { vec![c] };
        let start = n + mark.len();
        if chars.get(start).is_none_or(|next| next.is_whitespace() && !double) {
            return None;
        }
        if c == '_' && !double && chars[..n].last().is_some_and(|before| before.is_alphanumeric()) {
            return None;
        }
        let mut from = start;
        loop {
            let end = find(chars, from, &mark)?;
            let inner = &chars[start..end];
            let before = inner.last();
            let after = chars.get(end + mark.len());
            let good = match (c, double) {
                ('_', false) => after.is_none_or(|after| !after.is_alphanumeric()),
                ('*', false) => before.is_some_and(|before| !before.is_whitespace()) && after != Some(&'*'),
                _ => true,
            };
            if !inner.is_empty() && good {
                let text = self.inline(inner, masked);
                shown.push_str(&text);
                return Some(end + mark.len());
            }
            from = end + 1;
        }
    }
}

/// What stands at the beginning of a line, as it is shown, and the rest.
fn beginning(line: &str) -> (&'static str, &str) {
    for mark in ["# ", "## ", "### ", "-# ", "> ", ">>> "] {
        if let Some(rest) = line.strip_prefix(mark) {
            return (if mark.starts_with('>') { "\u{258e} " } else { "" }, rest);
        }
    }
    let indented = line.trim_start_matches(' ');
    for mark in ["- ", "* "] {
        if let Some(rest) = indented.strip_prefix(mark) {
            return ("\u{2022} ", rest);
        }
    }
    ("", line)
}

/// The first place that isn't behind a backslash or in a line of code.
fn find_plain(text: &str, wanted: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = text[from..].find(wanted) {
        let at = from + at;
        let slashes = text[..at].len() - text[..at].trim_end_matches('\\').len();
        if slashes.is_multiple_of(2) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}

fn find(chars: &[char], from: usize, wanted: &[char]) -> Option<usize> {
    let mut n = from;
    while n + wanted.len() <= chars.len() {
        if chars[n] == '\\' {
            n += 2;
            continue;
        }
        if chars[n..].starts_with(wanted) {
            return Some(n);
        }
        if chars[n] == '`' {
            let mut none = String::new();
            n = code(chars, n, &mut none).unwrap_or(n + 1);
            continue;
        }
        n += 1;
    }
    None
}

/// `code`, in which nothing means anything.
fn code(chars: &[char], n: usize, shown: &mut String) -> Option<usize> {
    let ticks = chars[n..].iter().take_while(|c| **c == '`').count();
    let start = n + ticks;
    let mut end = start;
    while end < chars.len() {
        if chars[end] == '`' {
            let run = chars[end..].iter().take_while(|c| **c == '`').count();
            if run == ticks && end > start {
                let inner: String = chars[start..end].iter().collect();
                let trimmed = inner.strip_prefix(' ').and_then(|rest| rest.strip_suffix(' ')).filter(|rest| rest.contains('`'));
                shown.push_str(trimmed.unwrap_or(&inner));
                return Some(end + run);
            }
            end += run;
        } else {
            end += 1;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::settings::Settings;
    use super::*;

    #[test]
    fn marks_vanish_in_pairs_only_and_escapes_stay() {
        let state = State::new(Settings::default(), [const { String::new() }; 3]);
        let ann = state.user_named("ann").unwrap().id;
        let mut page = Page::new(&state, ann);
        for (text, shown) in [
            ("**bold** and *it* __u__ ~~s~~ ||x||", "bold and it u s x"),
            ("a * b * c and snake_case_name", "a * b * c and snake_case_name"),
            (r"\*\*not bold\*\* \`no code\` \[a\](b)", "**not bold** `no code` [a](b)"),
            ("```\n*x*\n  y\n```after", "*x*\n  yafter"),
            ("# Title\n- item\n-# small", "Title\n\u{2022} item\nsmall"),
            (&format!("<@{ann}> <t:1793620800:T>"), "@ann 13:00:00"),
            ("[here](https://x.example/a_b) https://y.example/z_z_.", "here https://y.example/z_z_."),
            ("**bold\nover lines**", "bold\nover lines"),
        ] {
            assert_eq!(page.read(text, true), shown, "{text}");
        }
        assert_eq!(page.links, ["https://x.example/a_b", "https://y.example/z_z"]);
    }

    #[test]
    fn mentions_are_found_outside_of_code() {
        let found = mentioned("<@1> `<@2>` <@&3> \\<@!4> @everyone");
        assert_eq!(found, Mentioned { users: vec![1, 4], roles: vec![3], everyone: true });
        assert_eq!(mentioned("```@here <@2>```"), Mentioned::default());
    }
}

//! The nearest known word to a mistyped one.

/// The candidate most like `typed`, if any is like enough to be worth proposing. Case does not count.
pub fn nearest<'a, I>(typed: &str, candidates: I) -> Option<&'a str>
where
    I: IntoIterator<Item = &'a str>,
{
    let typed = typed.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (score(&typed, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score >= 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// Likeness from 0 to 1: swapped neighbours and a wrong letter count little, a shared beginning counts for it.
fn score(typed: &str, candidate: &str) -> f64 {
    if !typed.is_empty() && candidate.starts_with(typed) {
        return 0.95;
    }
    let edits = strsim::normalized_damerau_levenshtein(typed, candidate);
    // A word of two to four letters with one wrong one is near in spirit though far in ratio.
    let short = candidate.chars().count() <= 4 && strsim::damerau_levenshtein(typed, candidate) <= 1;
    let edits = if short { edits.max(0.72) } else { edits };
    edits.max(strsim::jaro_winkler(typed, candidate) - 0.12)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn finds_what_was_meant() {
        let words = ["file", "report", "alert", "channel", "schedule", "help", "status"];
        for (typed, meant) in [
            ("fiel", "file"),
            ("FILE", "file"),
            ("repotr", "report"),
            ("alerts", "alert"),
            ("chan", "channel"),
            ("scheduel", "schedule"),
            ("hlep", "help"),
        ] {
            assert_eq!(nearest(typed, words), Some(meant), "{typed}");
        }
        assert_eq!(nearest("xyzzy", words), None);
        assert_eq!(nearest("", words), None);
    }
}

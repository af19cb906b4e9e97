//! What was probably meant by a word that names nothing.

/// How many are named at most.
pub(super) const NAMED: usize = 3;

/// Those of `words` that are one slip away from `given`: a letter too many, one missing, another one, or two that have
/// changed places. Of words that count only by their beginning, `is_beginning`, the rest is not looked at.
pub(super) fn near(given: &str, words: impl IntoIterator<Item = String>, is_beginning: bool) -> Vec<String> {
    let length = given.chars().count();
    if length < 2 {
        // Everything would be near.
        return Vec::new();
    }
    let is_one_slip = |word: &str| strsim::osa_distance(given, word) == 1;
    let begins_near = |word: &str| {
        let ends = word.char_indices().map(|(at, _)| at).chain([word.len()]);
        ends.skip(length - 1).take(3).any(|end| is_one_slip(&word[..end]))
    };
    let is_near = |word: &String| if is_beginning { begins_near(word) } else { is_one_slip(word) };
    words.into_iter().filter(is_near).take(NAMED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_a_letter_too_many_one_missing_another_one_or_two_that_changed_places() {
        let near = |given| near(given, ["session".to_owned(), "run".into(), "keys".into()], false);
        for (given, meant) in [
            ("sesion", "session"),
            ("sessions", "session"),
            ("sessiom", "session"),
            ("sesison", "session"),
            ("ru", "run"),
            ("urn", "run"),
            ("ekys", "keys"),
        ] {
            assert_eq!(near(given), [meant], "{given}");
        }
        for given in ["", "r", "run", "nur", "keyboard", "list"] {
            assert_eq!(near(given), [""; 0], "{given}");
        }
    }

    #[test]
    fn an_id_counts_by_its_beginning() {
        let ids = ["aa11000000000001", "aa22000000000002", "bb00000000000003"].map(str::to_owned);
        let near = |given| near(given, ids.clone(), true);
        assert_eq!(near("aa12"), ids[..2]);
        assert_eq!(near("a11"), ids[..1]);
        assert_eq!(near("bb000000000000004"), [""; 0]);
        assert_eq!(near("bb0000000000003"), ids[2..]);
        assert_eq!(near("a"), [""; 0]);
    }
}

//! The order in which people expect texts: numbers in them count as numbers, so `item 9` stands before `item 10`.

use std::cmp::Ordering;

/// Compares two texts so.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.as_bytes(), b.as_bytes());
    while let ([x, left_on @ ..], [y, right_on @ ..]) = (left, right) {
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let ((m, behind_m), (n, behind_n)) = (number(left), number(right));
            match m.len().cmp(&n.len()).then_with(|| m.cmp(n)) {
                Ordering::Equal => (left, right) = (behind_m, behind_n),
                other => return other,
            }
        } else if x == y {
            (left, right) = (left_on, right_on);
        } else {
            return x.cmp(y);
        }
    }
    // Where only zeros before a number differ, the order must be one all the same.
    left.len().cmp(&right.len()).then_with(|| a.cmp(b))
}

/// The digits that a text begins with, without the zeros before them, and what stands behind.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let zeros = text[..digits].iter().take_while(|byte| **byte == b'0').count();
    (&text[zeros..digits], &text[digits..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_as_numbers_and_all_else_as_text() {
        let sorted =
            ["", "10", "Case", "case", "case 2", "case 2b", "case 9", "case 10", "case 10 of 9", "case 10 of 20", "ä"];
        for (at, text) in sorted.iter().enumerate() {
            for (other_at, other) in sorted.iter().enumerate() {
                assert_eq!(natural(text, other), at.cmp(&other_at), "{text:?} {other:?}");
            }
        }
        let long = "9".repeat(100);
        assert_eq!(natural(&long, &format!("1{long}")), Ordering::Less, "longer than any number type");
        assert_eq!(natural("a007", "a7"), Ordering::Less);
        assert_eq!(natural("a007b", "a7a"), Ordering::Greater);
    }
}

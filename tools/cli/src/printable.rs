//! Text of others, made safe for a terminal.

use std::borrow::Cow;

/// Text of others on its way to a terminal: one line, and nothing that a terminal obeys.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for letter in text.chars() {
        if letter.is_control() {
            shown.extend(letter.escape_default());
        } else {
            shown.push(letter);
        }
    }
    shown.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_moves_the_cursor_or_fakes_a_line() {
        for (text, shown) in [
            ("gr\u{fc}\u{df}e", "gr\u{fc}\u{df}e"),
            ("a\n[g] #bob#n1: b", "a\\n[g] #bob#n1: b"),
            ("\u{1b}[2J\r", "\\u{1b}[2J\\r"),
            ("\u{9b}1A", "\\u{9b}1A"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }
}

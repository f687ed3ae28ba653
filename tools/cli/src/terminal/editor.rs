//! The line that is typed, and those that were.

use std::collections::VecDeque;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tui_input::{Input, InputRequest, backend::crossterm::EventHandler};
use unicode_width::UnicodeWidthChar;

/// Lines that can be called back. They are kept in memory only: what is said in groups is not left on
/// disk.
const HISTORY_MAX: usize = 1000;
/// Longest line, in bytes; what is typed behind is ignored.
const LINE_MAX: usize = 64 << 10;

/// What a key comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// The line looks different now.
    Edited,
    /// Enter, with the line.
    Line(String),
    /// Tab.
    Complete,
    /// Ctrl-L.
    Clear,
    Interrupt,
    End,
    Nothing,
}

/// The line being typed.
#[derive(Debug, Default)]
pub(super) struct Editor {
    input: Input,
    history: VecDeque<String>,
    /// How far back in the history the line is from, 0 for a new one.
    back: usize,
    /// The new line, while older ones are looked at.
    new: String,
}

impl Editor {
    pub(super) fn line(&self) -> &str {
        self.input.value()
    }

    /// The part of the line in front of the cursor.
    pub(super) fn before_cursor(&self) -> String {
        self.line().chars().take(self.input.cursor()).collect()
    }

    pub(super) fn handle(&mut self, event: &Event) -> Key {
        let Event::Key(KeyEvent {
            code,
            modifiers,
            kind: KeyEventKind::Press | KeyEventKind::Repeat,
            ..
        }) = event
        else {
            let is_resize = matches!(event, Event::Resize(..));
            return if is_resize { Key::Edited } else { Key::Nothing };
        };
        match (*code, *modifiers) {
            (KeyCode::Enter, _) | (KeyCode::Char('j' | 'm'), KeyModifiers::CONTROL) => self.enter(),
            (KeyCode::Tab, KeyModifiers::NONE) => Key::Complete,
            (KeyCode::Char('c'), KeyModifiers::CONTROL) => Key::Interrupt,
            (KeyCode::Char('d'), KeyModifiers::CONTROL) if self.line().is_empty() => Key::End,
            (KeyCode::Char('d'), KeyModifiers::CONTROL) => {
                self.request(InputRequest::DeleteNextChar)
            }
            (KeyCode::Char('l'), KeyModifiers::CONTROL) => Key::Clear,
            (KeyCode::Up, _) | (KeyCode::Char('p'), KeyModifiers::CONTROL) => {
                self.look_back(self.back + 1)
            }
            (KeyCode::Down, _) | (KeyCode::Char('n'), KeyModifiers::CONTROL) => {
                self.look_back(self.back.saturating_sub(1))
            }
            (KeyCode::Char(_), _) if self.line().len() >= LINE_MAX => Key::Nothing,
            _ => match self.input.handle_event(event) {
                Some(_) => Key::Edited,
                None => Key::Nothing,
            },
        }
    }

    /// Puts `text` in place of what stands between a position in the line and the cursor.
    pub(super) fn replace(&mut self, from: usize, text: &str) {
        let before = self.before_cursor();
        let kept = before.get(..from).unwrap_or(&before);
        let behind: String = self.line().chars().skip(self.input.cursor()).collect();
        let cursor = kept.chars().count() + text.chars().count();
        self.input = Input::new(format!("{kept}{text}{behind}")).with_cursor(cursor);
    }

    fn request(&mut self, request: InputRequest) -> Key {
        self.input.handle(request);
        Key::Edited
    }

    fn enter(&mut self) -> Key {
        let line = self.input.value_and_reset();
        self.back = 0;
        self.new.clear();
        if !line.trim().is_empty() && self.history.front() != Some(&line) {
            self.history.truncate(HISTORY_MAX - 1);
            self.history.push_front(line.clone());
        }
        Key::Line(line)
    }

    fn look_back(&mut self, back: usize) -> Key {
        if back == self.back || back > self.history.len() {
            return Key::Nothing;
        }
        if self.back == 0 {
            self.new = self.line().to_owned();
        }
        self.back = back;
        let line = match back.checked_sub(1) {
            Some(position) => self.history.get(position).cloned().unwrap_or_default(),
            None => std::mem::take(&mut self.new),
        };
        self.input = Input::new(line);
        Key::Edited
    }

    /// What of the line is seen in so many columns, and in which of them the cursor is.
    pub(super) fn visible(&self, columns: usize) -> (String, usize) {
        let cursor = self.input.cursor();
        let width = |letter: char| letter.width().unwrap_or(0);
        // Back from the cursor, until the columns in front of it are used up.
        let before: Vec<char> = self.line().chars().take(cursor).collect();
        let mut room = columns.saturating_sub(1);
        let mut first = cursor;
        for letter in before.iter().rev() {
            match room.checked_sub(width(*letter)) {
                Some(rest) => room = rest,
                None => break,
            }
            first -= 1;
        }
        let used = columns.saturating_sub(1) - room;
        let mut room = columns;
        let mut seen = String::new();
        for letter in self.line().chars().skip(first) {
            match room.checked_sub(width(letter)) {
                Some(rest) => room = rest,
                None => break,
            }
            // A control character that got in some way moves no cursor.
            if !letter.is_control() {
                seen.push(letter);
            }
        }
        (seen, used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(code, modifiers))
    }

    fn type_text(editor: &mut Editor, text: &str) {
        for letter in text.chars() {
            editor.handle(&key(KeyCode::Char(letter), KeyModifiers::NONE));
        }
    }

    fn press(editor: &mut Editor, code: KeyCode) -> Key {
        editor.handle(&key(code, KeyModifiers::NONE))
    }

    fn control(editor: &mut Editor, letter: char) -> Key {
        editor.handle(&key(KeyCode::Char(letter), KeyModifiers::CONTROL))
    }

    #[test]
    fn lines_come_back_and_the_new_one_is_kept() {
        let mut editor = Editor::default();
        for line in ["one", "two", "two", " "] {
            type_text(&mut editor, line);
            assert_eq!(
                press(&mut editor, KeyCode::Enter),
                Key::Line(line.to_owned())
            );
        }
        type_text(&mut editor, "thr");
        for (code, line) in [
            (KeyCode::Up, "two"),
            (KeyCode::Up, "one"),
            (KeyCode::Up, "one"),
            (KeyCode::Down, "two"),
            (KeyCode::Down, "thr"),
            (KeyCode::Down, "thr"),
        ] {
            press(&mut editor, code);
            assert_eq!(editor.line(), line);
        }
    }

    #[test]
    fn keys_edit_or_end() {
        let mut editor = Editor::default();
        assert_eq!(control(&mut editor, 'd'), Key::End);
        assert_eq!(control(&mut editor, 'c'), Key::Interrupt);
        type_text(&mut editor, "gr\u{fc}\u{df}e an alle");
        control(&mut editor, 'w');
        assert_eq!(editor.line(), "gr\u{fc}\u{df}e an ");
        control(&mut editor, 'a');
        control(&mut editor, 'd');
        assert_eq!(editor.line(), "r\u{fc}\u{df}e an ");
        control(&mut editor, 'k');
        assert_eq!(editor.line(), "");
    }

    #[test]
    fn a_completion_replaces_what_is_in_front_of_the_cursor() {
        let mut editor = Editor::default();
        type_text(&mut editor, "\u{e4} me x");
        for _ in 0..2 {
            press(&mut editor, KeyCode::Left);
        }
        assert_eq!(editor.before_cursor(), "\u{e4} me");
        editor.replace(3, "members ");
        assert_eq!(editor.line(), "\u{e4} members  x");
        assert_eq!(editor.before_cursor(), "\u{e4} members ");
    }

    #[test]
    fn a_long_line_moves_sideways() {
        let mut editor = Editor::default();
        type_text(&mut editor, "0123456789");
        assert_eq!(editor.visible(20), ("0123456789".to_owned(), 10));
        assert_eq!(editor.visible(5), ("6789".to_owned(), 4));
        control(&mut editor, 'a');
        assert_eq!(editor.visible(5), ("01234".to_owned(), 0));
        assert_eq!(editor.visible(0), (String::new(), 0));
        control(&mut editor, 'u');
        // Two columns each.
        type_text(&mut editor, "\u{4f60}\u{597d}\u{4f60}\u{597d}");
        assert_eq!(editor.visible(6), ("\u{4f60}\u{597d}".to_owned(), 4));
    }
}

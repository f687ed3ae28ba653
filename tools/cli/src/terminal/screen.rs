//! What the terminal shows.

use std::{io::Write, sync::mpsc::Receiver};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{
    COLUMNS, Echo, Item, Typed, Typist,
    editor::{Editor, Key},
    is_coloured,
};

/// To the first column, and everything behind it erased.
const ERASE_LINE: &str = "\r\x1b[K";
/// Up one line.
const UP: &str = "\x1b[1A";
/// Everything erased, and to the first column of the first line.
const CLEAR: &str = "\x1b[2J\x1b[H";

/// Draws the lines at the bottom of the terminal, and what is printed above them.
pub(super) struct Screen<T, W> {
    typist: T,
    out: W,
    /// Tells how many columns the terminal has.
    columns: fn() -> u16,
    editor: Editor,
    status: Option<String>,
    /// Whether a status stands above the prompt.
    status_drawn: bool,
}

impl<T: Typist, W: Write> Screen<T, W> {
    pub(super) fn new(typist: T, out: W, columns: fn() -> u16) -> Self {
        Self {
            typist,
            out,
            columns,
            editor: Editor::default(),
            status: None,
            status_drawn: false,
        }
    }

    /// Draws until it is closed.
    pub(super) fn run(mut self, items: &Receiver<Item>) {
        self.draw("");
        while let Ok(item) = items.recv() {
            match item {
                Item::Text(text) => self.draw(&text),
                Item::Status(line) => {
                    self.status = line;
                    self.draw("");
                }
                Item::Event(event) => {
                    let key = self.editor.handle(&event);
                    self.handle(key);
                }
                Item::Gone => {
                    self.typist.typed(Typed::End);
                }
                Item::Close(done) => {
                    let mut last = String::new();
                    self.erase(&mut last);
                    self.write(&last);
                    let _ = done.send(());
                    return;
                }
            }
        }
    }

    fn handle(&mut self, key: Key) {
        match key {
            Key::Edited => self.draw(""),
            Key::Line(line) => {
                let typed = format!("{}{}\n", self.typist.prompt(), printable(&line));
                match self.typist.typed(Typed::Line(line)) {
                    Echo::Shown => self.draw(&typed),
                    Echo::Erased => self.draw(""),
                }
            }
            Key::Complete => self.complete(),
            Key::Clear => {
                self.status_drawn = false;
                self.write(CLEAR);
                self.draw("");
            }
            Key::Interrupt => {
                self.typist.typed(Typed::Interrupt);
            }
            Key::End => {
                self.typist.typed(Typed::End);
            }
            Key::Nothing => {}
        }
    }

    /// Completes the word in front of the cursor as far as is certain, and shows what is not.
    fn complete(&mut self) {
        let line = self.editor.before_cursor();
        let (from, words) = self.typist.complete(&line);
        let Some(certain) = common_beginning(&words) else {
            return;
        };
        let begun = line.get(from..).unwrap_or_default();
        if certain.len() > begun.len() {
            self.editor.replace(from, certain);
            self.draw("");
        } else if words.len() > 1 {
            let list: Vec<&str> = words.iter().map(|word| word.trim_end()).collect();
            // Files may have any name.
            self.draw(&format!("{}\n", printable(&list.join("  "))));
        }
    }

    /// Draws anew, with whole lines above.
    fn draw(&mut self, above: &str) {
        // Some terminals call themselves 0 columns wide, because nobody told them.
        let columns = match (self.columns)() {
            0 => COLUMNS,
            columns => columns,
        };
        // A character in the last column would take the cursor along.
        let columns = usize::from(columns).saturating_sub(1);
        let mut all = String::with_capacity(above.len() + 256);
        self.erase(&mut all);
        for line in above.lines() {
            all.push_str(line);
            all.push_str("\r\n");
        }
        if let Some(status) = &self.status {
            self.status_drawn = true;
            all.push_str(cut(status, columns));
            all.push_str("\r\n");
        }
        let prompt = self.typist.prompt();
        let room = columns.saturating_sub(prompt.width());
        let (seen, cursor) = self.editor.visible(room);
        if is_coloured() {
            all.push_str(&format!("\x1b[1m{prompt}\x1b[0m{seen}"));
        } else {
            all.push_str(&format!("{prompt}{seen}"));
        }
        all.push('\r');
        let column = prompt.width() + cursor;
        if column > 0 {
            all.push_str(&format!("\x1b[{column}C"));
        }
        self.write(&all);
    }

    /// Erases what is at the bottom.
    fn erase(&mut self, all: &mut String) {
        all.push_str(ERASE_LINE);
        if std::mem::take(&mut self.status_drawn) {
            all.push_str(UP);
            all.push_str(ERASE_LINE);
        }
    }

    fn write(&mut self, all: &str) {
        // Nothing is to be done about a terminal that takes no more; its reader ends the program.
        let _ = self
            .out
            .write_all(all.as_bytes())
            .and_then(|()| self.out.flush());
    }
}

fn printable(line: &str) -> std::borrow::Cow<'_, str> {
    crate::printable::printable(line)
}

/// As much of a text as fits into so many columns.
fn cut(text: &str, columns: usize) -> &str {
    let mut room = columns;
    for (at, letter) in text.char_indices() {
        match room.checked_sub(letter.width().unwrap_or(0)) {
            Some(rest) => room = rest,
            None => return text.get(..at).unwrap_or_default(),
        }
    }
    text
}

/// The beginning that all words have; `None` if there are none.
fn common_beginning(words: &[String]) -> Option<&str> {
    let (first, others) = words.split_first()?;
    let length = others.iter().fold(first.len(), |length, word| {
        let both = first.char_indices().zip(word.chars());
        let differs = both.take_while(|((_, a), b)| a == b).last();
        let same = differs.map_or(0, |((at, letter), _)| at + letter.len_utf8());
        length.min(same)
    });
    first.get(..length)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

    use super::*;

    /// Sends lines to a channel; keeps commands, erases the rest.
    struct Recorder(std::sync::mpsc::Sender<Typed>);

    impl Typist for Recorder {
        fn prompt(&self) -> String {
            "g> ".into()
        }

        fn typed(&mut self, typed: Typed) -> Echo {
            let command = matches!(&typed, Typed::Line(line) if line.starts_with('/'));
            self.0.send(typed).unwrap();
            if command { Echo::Shown } else { Echo::Erased }
        }

        fn complete(&self, line: &str) -> (usize, Vec<String>) {
            let words = ["members ", "menu ", "x\u{1b}a ", "x\u{1b}b "];
            let fits = words.into_iter().filter(|word| word.starts_with(line));
            (0, fits.map(str::to_owned).collect())
        }
    }

    fn keys(text: &str) -> impl Iterator<Item = Item> {
        text.chars().map(|letter| {
            let code = match letter {
                '\n' => KeyCode::Enter,
                '\t' => KeyCode::Tab,
                other => KeyCode::Char(other),
            };
            Item::Event(Event::Key(KeyEvent::new(code, KeyModifiers::NONE)))
        })
    }

    /// What is on a terminal of 80 columns at the end, line by line, and what was typed.
    fn shown(items: Vec<Item>) -> (Vec<String>, Vec<Typed>) {
        shown_by(items, || 80)
    }

    /// The same on one that says to be so wide.
    fn shown_by(items: Vec<Item>, columns: fn() -> u16) -> (Vec<String>, Vec<Typed>) {
        let (sender, typed) = std::sync::mpsc::channel();
        let (queue, waiting) = sync_channel(items.len());
        for item in items {
            queue.send(item).unwrap();
        }
        drop(queue);
        let mut out = Vec::new();
        Screen::new(Recorder(sender), &mut out, columns).run(&waiting);
        let mut parser = vt100::Parser::new(12, 80, 0);
        parser.process(&out);
        let lines = parser.screen().rows(0, 80).map(|row| row.trim_end().into());
        let mut lines: Vec<String> = lines.collect();
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        (lines, typed.try_iter().collect())
    }

    #[test]
    fn what_is_printed_leaves_the_line_that_is_typed_alone() {
        let mut items: Vec<Item> = keys("half a li").collect();
        items.push(Item::Text("[g] one\n[g] two\n".into()));
        items.extend(keys("ne"));
        let (lines, typed) = shown(items);
        assert_eq!(lines, ["[g] one", "[g] two", "g> half a line"]);
        assert_eq!(typed, []);
    }

    #[test]
    fn a_status_is_one_line_that_goes() {
        let status = |text: &str| Item::Status(Some(text.into()));
        let mut items: Vec<Item> = keys("typing").collect();
        items.extend([status("10 %"), Item::Text("[g] hello\n".into())]);
        items.push(status(&"long ".repeat(30)));
        let (lines, _) = shown(items);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(lines[0], "[g] hello");
        assert!(lines[1].starts_with("long long"));
        assert_eq!(lines[2], "g> typing");
        let (lines, _) = shown(vec![
            status("99 %"),
            Item::Status(None),
            Item::Text("[g] sent\n".into()),
        ]);
        assert_eq!(lines, ["[g] sent", "g>"]);
    }

    #[test]
    fn lines_are_taken_and_commands_stay() {
        let (lines, typed) = shown(keys("hello\n/members g\nx").collect());
        assert_eq!(lines, ["g> /members g", "g> x"]);
        let line = |text: &str| Typed::Line(text.into());
        assert_eq!(typed, [line("hello"), line("/members g")]);
    }

    #[test]
    fn words_are_completed_or_listed() {
        let (lines, _) = shown(keys("m\t\t").collect());
        assert_eq!(lines, ["members  menu", "g> me"]);
        let (lines, _) = shown(keys("mem\tg").collect());
        assert_eq!(lines, ["g> members g"]);
    }

    #[test]
    fn names_of_files_move_no_cursor() {
        let (lines, _) = shown(keys("x\t\t").collect());
        assert_eq!(lines[0], "x\\u{1b}a  x\\u{1b}b");
    }

    #[test]
    fn a_terminal_that_does_not_know_its_width_shows_what_is_typed() {
        let (lines, _) = shown_by(keys("hello").collect(), || 0);
        assert_eq!(lines, ["g> hello"]);
    }

    #[test]
    fn a_terminal_that_is_gone_is_the_end_whatever_was_typed() {
        let (_, typed) = shown(keys("half").chain([Item::Gone]).collect());
        assert_eq!(typed, [Typed::End]);
    }

    #[test]
    fn a_long_line_stays_one_line() {
        let mut items: Vec<Item> = keys(&"0123456789".repeat(20)).collect();
        items.push(Item::Text("[g] hello\n".into()));
        let (lines, _) = shown(items);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[1].ends_with("6789"), "{lines:?}");
    }

    #[test]
    fn a_closed_screen_shows_what_was_printed_only() {
        let (done, closed) = sync_channel(1);
        let (lines, _) = shown(vec![
            Item::Status(Some("10 %".into())),
            Item::Text("[g] last\n".into()),
            Item::Close(done),
        ]);
        assert_eq!(lines, ["[g] last"]);
        closed.recv().unwrap();
    }
}

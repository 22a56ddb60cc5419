//! Talk on stderr: bars on a terminal, plain lines otherwise.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use pipeline::execute::{Observer, Stage};

/// A line on stderr. A closed stderr is no reason to fail.
pub(crate) fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").ok();
}

/// A line on stdout. A closed pipe (`radloom ... | head`) ends the output, not the work.
pub(crate) fn print(line: &str) {
    writeln!(std::io::stdout(), "{line}").ok();
}

/// Shows stages as they go.
pub(crate) struct Progress {
    quiet: bool,
    terminal: bool,
    current: RefCell<Option<Current>>,
}

struct Current {
    title: String,
    total: u64,
    done: u64,
    start: Instant,
    last_line: Instant,
    bar: Option<ProgressBar>,
}

/// Time between two plain lines of one stage.
const LINE_EVERY: Duration = Duration::from_secs(10);

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let terminal = std::io::stderr().is_terminal() && !plain;
        Self { quiet, terminal, current: RefCell::new(None) }
    }

    /// A line between stages.
    pub(crate) fn line(&self, text: &str) {
        if self.quiet {
            return;
        }
        match self.current.borrow().as_ref().and_then(|current| current.bar.as_ref()) {
            Some(bar) => bar.suspend(|| say(text)),
            None => say(text),
        }
    }

    pub(crate) fn begin_titled(&self, title: &str, total: u64) {
        let bar = (self.terminal && !self.quiet).then(|| {
            let bar = ProgressBar::new(total);
            let template = if total > 0 {
                "{msg:24} {bar:32} {pos}/{len} {elapsed} (eta {eta})"
            } else {
                "{msg:24} {spinner} {elapsed}"
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            bar.set_message(title.to_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        let now = Instant::now();
        *self.current.borrow_mut() = Some(Current {
            title: title.to_owned(),
            total,
            done: 0,
            start: now,
            last_line: now,
            bar,
        });
    }

    /// Says more about the item at hand, on a bar; on plain lines every few seconds.
    pub(crate) fn detail(&self, text: &str) {
        let current = self.current.borrow();
        if let Some(bar) = current.as_ref().and_then(|current| current.bar.as_ref()) {
            bar.set_message(text.to_owned());
        }
    }
}

impl Observer for Progress {
    fn begin(&self, stage: Stage, total: u64) {
        self.begin_titled(stage.title(), total);
    }

    fn advance(&self, count: u64) {
        let mut current = self.current.borrow_mut();
        let Some(current) = current.as_mut() else { return };
        current.done += count;
        if let Some(bar) = &current.bar {
            bar.set_position(current.done);
        } else if !self.quiet && current.last_line.elapsed() >= LINE_EVERY {
            current.last_line = Instant::now();
            say(&format!("  {}: {}/{}", current.title, current.done, current.total));
        }
    }

    fn end(&self) {
        let Some(current) = self.current.borrow_mut().take() else { return };
        if let Some(bar) = &current.bar {
            bar.finish_and_clear();
        }
        if !self.quiet {
            let count =
                if current.done > 0 { format!(", {}", current.done) } else { String::new() };
            say(&format!(
                "  {}{count}: {:.1} s",
                current.title,
                current.start.elapsed().as_secs_f64()
            ));
        }
    }

    fn excluded(&self, source: &str, reason: &str, detail: &str) {
        self.line(&format!("  left out `{source}` ({reason}): {detail}"));
    }

    fn notice(&self, text: &str) {
        self.line(&format!("  {text}"));
    }
}

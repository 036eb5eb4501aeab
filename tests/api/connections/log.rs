//! What is logged, all of it.

use std::fmt;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};

/// What this thread logs, at every level, while it lives.
pub(super) struct Log {
    lines: Arc<Mutex<String>>,
    _guard: DefaultGuard,
}

impl Log {
    pub(super) fn start() -> Self {
        let lines = Arc::<Mutex<String>>::default();
        let guard = tracing::subscriber::set_default(Recorder(Arc::clone(&lines)));
        Self { lines, _guard: guard }
    }

    pub(super) fn text(&self) -> String {
        self.lines.lock().unwrap().clone()
    }
}

struct Recorder(Arc<Mutex<String>>);

impl Recorder {
    fn line(&self, record: impl FnOnce(&mut Line)) {
        let mut line = Line(String::new());
        record(&mut line);
        let mut lines = self.0.lock().unwrap();
        lines.push_str(&line.0);
        lines.push('\n');
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.line(|line| span.record(line));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        self.line(|line| values.record(line));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.line(|line| event.record(line));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!("{field}={value:?} "));
    }
}

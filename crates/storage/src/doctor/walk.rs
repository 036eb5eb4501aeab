//! The steps of a diagnosis, in order, within a time.

use std::time::Duration;

use tokio::time::Instant;

use super::advice::Advice;
use super::{Diagnosis, DiagnosisStep, Outcome};

/// What is said of a step that nobody answered in time.
pub(super) const NO_ANSWER: &str = "there was no answer in time (merak.doctor.timeout)";

/// The steps so far.
#[derive(Debug)]
pub(super) struct Walk {
    steps: Vec<DiagnosisStep>,
    deadline: Instant,
}

impl Walk {
    pub(super) fn new(timeout: Duration) -> Self {
        Self { steps: Vec::new(), deadline: Instant::now() + timeout }
    }

    /// Does a step, unless the time is over: its work says what was found, or what the provider
    /// said. What it came to is given back if it worked.
    pub(super) async fn step<T>(
        &mut self,
        name: &'static str,
        advise: impl FnOnce(&str) -> Advice,
        work: impl Future<Output = Result<(T, String), String>>,
    ) -> Option<T> {
        let result = tokio::time::timeout_at(self.deadline, work).await;
        match result.unwrap_or_else(|_| Err(NO_ANSWER.to_owned())) {
            Ok((value, detail)) => {
                self.pass(name, detail);
                Some(value)
            }
            Err(said) => {
                let told = advise(&said);
                self.add(name, Outcome::Failed, said, Some(told));
                None
            }
        }
    }

    /// When the time is over.
    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the time is over.
    pub(super) fn is_over(&self) -> bool {
        Instant::now() >= self.deadline
    }

    /// A step that worked.
    pub(super) fn pass(&mut self, name: &'static str, detail: impl Into<String>) {
        self.add(name, Outcome::Passed, detail.into(), None);
    }

    /// A step that failed.
    pub(super) fn fail(&mut self, name: &'static str, said: impl Into<String>, advice: Advice) {
        self.add(name, Outcome::Failed, said.into(), Some(advice));
    }

    /// A step that works, and deserves attention.
    pub(super) fn warn(&mut self, name: &'static str, said: impl Into<String>, advice: Advice) {
        self.add(name, Outcome::Warning, said.into(), Some(advice));
    }

    /// A step that was not tried, and why.
    pub(super) fn skip(&mut self, name: &'static str, why: impl Into<String>) {
        self.add(name, Outcome::NotApplicable, why.into(), None);
    }

    /// Steps that were not tried since an earlier one failed.
    pub(super) fn skip_all(&mut self, names: &[&'static str], failed: &str) {
        for name in names {
            self.skip(name, format!("not tried: {failed} did not pass"));
        }
    }

    /// The first of some steps that failed.
    pub(super) fn failed_among(&self, names: &[&str]) -> Option<&'static str> {
        let failed =
            |step: &&DiagnosisStep| step.outcome == Outcome::Failed && names.contains(&step.name);
        self.steps.iter().find(failed).map(|step| step.name)
    }

    pub(super) fn diagnosis(self) -> Diagnosis {
        let healthy = self.steps.iter().all(|step| step.outcome != Outcome::Failed);
        Diagnosis { healthy, steps: self.steps }
    }

    fn add(
        &mut self,
        name: &'static str,
        outcome: Outcome,
        detail: String,
        advice: Option<Advice>,
    ) {
        let (cause, remedies) = match advice {
            Some(Advice { cause, remedies }) => (Some(cause), remedies),
            None => (None, Vec::new()),
        };
        self.steps.push(DiagnosisStep { name, outcome, detail, cause, remedies });
    }
}

//! Files that fail as the plan says.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use merak_model::Location;
use merak_server::{FileOperation, Interposer, StorageError};

use super::plan::{Pass, Plan};
use super::scripts::FileFault;

/// Between one replica and its files.
#[derive(Debug)]
pub(crate) struct BetweenFiles {
    plan: Plan,
    /// One operation at a time: its turn lasts from before it to after it.
    turn: Mutex<Option<(Pass, Option<FileFault>)>>,
}

impl BetweenFiles {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self { plan: plan.clone(), turn: Mutex::default() }
    }
}

fn timeout(location: &Location) -> StorageError {
    StorageError::Timeout { location: location.to_string() }
}

#[async_trait]
impl Interposer for BetweenFiles {
    async fn before(
        &self,
        operation: FileOperation,
        location: &Location,
    ) -> Result<(), StorageError> {
        let pass = self.plan.enter(None).await;
        let fault = self.plan.on_file(operation, location.as_str());
        match fault {
            Some(FileFault::Before) => {
                pass.settle();
                Err(timeout(location))
            }
            Some(FileFault::Denied) => {
                pass.settle();
                let reason = "the test refuses it".to_owned();
                Err(StorageError::Denied { location: location.to_string(), reason })
            }
            Some(FileFault::After) | None => {
                *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = Some((pass, fault));
                Ok(())
            }
        }
    }

    async fn after(
        &self,
        operation: FileOperation,
        location: &Location,
    ) -> Result<(), StorageError> {
        self.plan.file_done(operation, location.as_str());
        let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((pass, fault)) = turn else { return Ok(()) };
        pass.settle();
        if fault.is_some() { Err(timeout(location)) } else { Ok(()) }
    }
}

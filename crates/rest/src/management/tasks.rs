//! A catalog's work in the background.

use axum::extract::State;
use axum::response::Response;
use merak_authz::CatalogPath;
use merak_authz::operations::{GetTask, ListTasks, RetryTask};
use merak_model::EntityId;
use merak_service::{PageSize, Task, TaskState};
use merak_wire::management::{Task as TaskBody, Tasks};

use crate::app::App;
use crate::error::{ApiError, ErrorKind};
use crate::extract::{
    Authenticated, CatalogName, ManagementNames, PageRequest, QueryMap, next_page_token,
};
use crate::middleware::to_the_end;

/// `GET /catalogs/{catalogName}/tasks`
pub(crate) async fn list_tasks(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    CatalogName(catalog): CatalogName,
    query: QueryMap,
) -> Result<Response, ApiError> {
    let asked = PageRequest::of(&query, &app.settings)?;
    if let Some(refusal) = asked.refusal {
        return Err(refusal);
    }
    let after = asked.page.after.as_deref().map(parse_id).transpose()?;
    let proof = app.authorizer.authorize(&caller, ListTasks, &path(catalog)).await?;
    // Always a page: tasks come and go without anybody's asking.
    let size = match asked.size {
        PageSize::Page(size) => size,
        PageSize::All | PageSize::Untold(_) => app.settings.page_size,
    };
    let (tasks, next) = app.service.list_tasks(proof, after, size).await?;
    Ok(crate::json(&Tasks {
        tasks: tasks.iter().map(show).collect(),
        next_page_token: next.map(|id| next_page_token(&id.to_string())),
    }))
}

/// `GET /catalogs/{catalogName}/tasks/{taskId}`
pub(crate) async fn get_task(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
) -> Result<Response, ApiError> {
    let (catalog, id) = (names.catalog()?, parse_id(names.task()?)?);
    let proof = app.authorizer.authorize(&caller, GetTask, &path(catalog)).await?;
    let task = app.service.get_task(proof, id).await?;
    Ok(crate::json(&show(&task)))
}

/// `POST /catalogs/{catalogName}/tasks/{taskId}/retry`
pub(crate) async fn retry_task(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    names: ManagementNames,
) -> Result<Response, ApiError> {
    let (catalog, id) = (names.catalog()?, parse_id(names.task()?)?);
    let proof = app.authorizer.authorize(&caller, RetryTask, &path(catalog)).await?;
    let task = to_the_end(async move { app.service.retry_task(proof, id).await }).await?;
    Ok(crate::json(&show(&task)))
}

fn path(catalog: String) -> CatalogPath {
    CatalogPath { catalog, children: None, as_warehouse: false }
}

fn parse_id(text: &str) -> Result<EntityId, ApiError> {
    text.parse().map(EntityId).map_err(|_| {
        ApiError::new(ErrorKind::BadRequest, "A task is named by its id, a whole number")
    })
}

fn show(task: &Task) -> TaskBody<'_> {
    TaskBody {
        id: task.id.to_string(),
        kind: &task.kind,
        subject: &task.subject,
        state: task.state.as_str(),
        progress: serde_json::from_str(&task.progress).unwrap_or_default(),
        attempts: task.attempts,
        error: task.error.as_deref(),
        due_timestamp: (task.state == TaskState::Waiting).then_some(task.due_ms),
        create_timestamp: task.created_ms,
        last_update_timestamp: task.updated_ms,
    }
}

//! Notifications of other catalogs: Polaris' extension of the Iceberg REST API.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use merak_authz::NotificationPath;
use merak_authz::operations::SendNotifications;
use merak_service::{Notification, NotificationKind};
use merak_wire::iceberg::{NotificationRequest, NotificationType};

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Authenticated, JsonBody, Keyed, TableInPath};
use crate::iceberg::answers::{Told, answered};
use crate::middleware::to_the_end;

/// `POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/notifications`
pub(crate) async fn send_notification(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    TableInPath { catalog, ident }: TableInPath,
    Keyed(key, JsonBody(body)): Keyed<JsonBody<NotificationRequest>>,
) -> Result<Response, ApiError> {
    let payload = body.payload.unwrap_or_default();
    let notification = Notification {
        kind: match body.notification_type {
            NotificationType::Unknown => NotificationKind::Unknown,
            NotificationType::Create | NotificationType::Update => NotificationKind::Changed,
            NotificationType::Drop => NotificationKind::Dropped,
            NotificationType::Validate => NotificationKind::Validate,
        },
        timestamp: payload.timestamp,
        metadata_location: payload.metadata_location,
    };
    let path = NotificationPath { catalog, ident };
    let caller = &caller;
    answered(app, caller, key, Told::of(&path.catalog), |app| async move {
        let proof = app.authorizer.authorize(caller, SendNotifications, &path).await?;
        to_the_end(async move { app.service.send_notification(proof, notification).await }).await?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
    .await
}

//! Reports of what engines did.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use merak_authz::operations::{ReportReadMetrics, ReportWriteMetrics};
use merak_service::EngineReport;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Authenticated, ReportBody, TableInPath};
use crate::iceberg::federated::{self, here};
use crate::middleware::RequestId;

/// `POST /v1/{prefix}/namespaces/{namespace}/tables/{table}/metrics`
pub(crate) async fn report_metrics(
    State(app): State<App>,
    Authenticated(caller): Authenticated,
    TableInPath { catalog, ident }: TableInPath,
    Extension(request_id): Extension<RequestId>,
    ReportBody { text, value }: ReportBody,
) -> Result<StatusCode, ApiError> {
    let report = EngineReport::parse(text, &value)?;
    let path = app.service.table_path(&caller.realm, &catalog, ident).await;
    let request_id = request_id.0.to_str().unwrap_or_default();
    let authorizer = &app.authorizer;
    match report {
        EngineReport::Scan(report) => {
            let judged = authorizer.authorize(&caller, ReportReadMetrics, &path).await;
            let Some(proof) = here(judged)? else {
                let report = EngineReport::Scan(report);
                return Box::pin(federated::tables::report(&app, &caller, &path, report)).await;
            };
            app.service.report_scan(proof, request_id, report).await?;
        }
        EngineReport::Commit(report) => {
            let judged = authorizer.authorize(&caller, ReportWriteMetrics, &path).await;
            let Some(proof) = here(judged)? else {
                let report = EngineReport::Commit(report);
                return Box::pin(federated::tables::report(&app, &caller, &path, report)).await;
            };
            app.service.report_commit(proof, request_id, report).await?;
        }
        EngineReport::Unknown { report_type } => {
            let judged = authorizer.authorize(&caller, ReportReadMetrics, &path).await;
            let Some(proof) = here(judged)? else {
                let report = EngineReport::Unknown { report_type };
                return Box::pin(federated::tables::report(&app, &caller, &path, report)).await;
            };
            app.service.report_unknown(proof, &report_type).await;
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

//! Which request goes where.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State as Shared;
use axum::response::Response;

use super::calls::{Call, Fault};
use super::request::{Answered, Refusal, Request, value};
use super::{Double, admin, s3, sts};

/// The most bytes of a body.
const MAX_BODY: usize = 256 * 1024 * 1024;

pub(crate) fn router(double: Arc<Double>) -> Router {
    Router::new().fallback(handle).with_state(double)
}

async fn handle(Shared(double): Shared<Arc<Double>>, request: http::Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let body = match to_bytes(body, MAX_BODY).await {
        Ok(body) => body,
        Err(error) => {
            let refusal = Refusal::new(400, "IncompleteBody", error.to_string());
            return s3::refused(&refusal, parts.uri.path());
        }
    };
    let request = Request::new(parts, body);
    if let Some(what) = request.path.strip_prefix("/_double/") {
        return admin::serve(&mut double.lock(), what, &request);
    }
    let is_sts = request.path == "/"
        && (request.method == http::Method::POST || request.parameter("Action").is_some());
    if is_sts { serve_sts(&double, &request).await } else { serve_s3(&double, &request).await }
}

async fn serve_sts(double: &Double, request: &Request) -> Response {
    let parameters = sts::parameters(request);
    let operation = value(&parameters, "Action").unwrap_or_default().to_owned();
    let mut call = Call {
        service: "sts",
        operation,
        principal: None,
        bucket: String::new(),
        key: String::new(),
        status: 0,
        code: None,
    };
    let answered = match go_wrong(double, "sts", &call.operation).await {
        Some(refusal) => {
            let mut state = double.lock();
            if call.operation == "AssumeRole" {
                let mut record = sts::record(&parameters);
                record.code = Some(refusal.code.clone());
                state.assumed.push(record);
            }
            Err(refusal)
        }
        None => sts::serve(&mut double.lock(), request, &mut call.principal),
    };
    finish(double, call, answered, sts::refused)
}

async fn serve_s3(double: &Double, request: &Request) -> Response {
    let asked = s3::Asked::read(request);
    let mut call = Call {
        service: "s3",
        operation: "Unknown".to_owned(),
        principal: None,
        bucket: String::new(),
        key: String::new(),
        status: 0,
        code: None,
    };
    let answered = match asked {
        Err(refusal) => Err(refusal),
        Ok(asked) => {
            call.operation = format!("{:?}", asked.operation);
            call.bucket.clone_from(&asked.bucket);
            call.key.clone_from(&asked.key);
            match go_wrong(double, "s3", &call.operation).await {
                Some(refusal) => Err(refusal),
                None => s3::serve(&mut double.lock(), &asked, &mut call.principal),
            }
        }
    };
    finish(double, call, answered, |refusal| s3::refused(refusal, &request.path))
}

/// Takes the next fault, waits as long as it wants, and gives its refusal.
async fn go_wrong(double: &Double, service: &str, operation: &str) -> Option<Refusal> {
    let Fault { delay, refusal, .. } = double.lock().next_fault(service, operation)?;
    tokio::time::sleep(delay).await;
    refusal.map(|wanted| Refusal::new(wanted.status, &wanted.code, wanted.message))
}

fn finish(
    double: &Double,
    mut call: Call,
    answered: Answered,
    refused: impl FnOnce(&Refusal) -> Response,
) -> Response {
    let response = match answered {
        Ok(response) => response,
        Err(refusal) => {
            call.code = Some(refusal.code.clone());
            refused(&refusal)
        }
    };
    call.status = response.status().as_u16();
    double.lock().calls.push(call);
    response
}

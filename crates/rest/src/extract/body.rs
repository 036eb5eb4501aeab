//! Request bodies: bounded, decompressed, parsed; every failure in the envelope.

use std::io::Read as _;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::app::{ApiSettings, App};
use crate::error::{ApiError, ErrorKind};

/// A JSON body of a known shape.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let bytes = json_bytes(request, &app.settings).await?;
        // serde would read a struct from an array too.
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        if first.is_some_and(|first| b"[\"-0123456789tfn".contains(first)) {
            let value =
                serde_json::from_slice::<Value>(&bytes).map_err(|error| malformed(&error))?;
            let shown: String = value.to_string().chars().take(40).collect();
            return Err(ApiError::new(
                ErrorKind::MismatchedInput,
                format!("Invalid value: the body must be an object, not {shown}"),
            ));
        }
        serde_json::from_slice(&bytes).map(Self).map_err(|error| malformed(&error))
    }
}

/// A JSON body whose shape the handler looks into itself.
pub(crate) struct ValueBody(pub(crate) Value);

impl FromRequest<App> for ValueBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let bytes = json_bytes(request, &app.settings).await?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| malformed(&error))
    }
}

/// A report of an engine, whose text is kept as it is.
pub(crate) struct ReportBody {
    pub(crate) text: String,
    pub(crate) value: Value,
}

impl FromRequest<App> for ReportBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let settings = &app.settings;
        let most = Most::of_report(settings);
        require_json(&request)?;
        let bytes = read(request, settings, most).await?;
        let value = serde_json::from_slice(&bytes).map_err(|error| malformed(&error))?;
        let text = String::from_utf8(bytes.into())
            .map_err(|_| ApiError::new(ErrorKind::BadRequest, "The body is not UTF-8"))?;
        Ok(Self { text, value })
    }
}

/// A JSON body that may be absent. One of white space alone is: clients send an empty body and say
/// that it is JSON.
pub(crate) struct OptionalValueBody(pub(crate) Option<Value>);

impl FromRequest<App> for OptionalValueBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let bytes = json_bytes(request, &app.settings).await?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(None));
        }
        let value: Value = serde_json::from_slice(&bytes).map_err(|error| malformed(&error))?;
        Ok(Self(Some(value).filter(|value| !value.is_null())))
    }
}

/// A form.
pub(crate) struct Form<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Form<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let content_type = request.headers().get(header::CONTENT_TYPE);
        let is_form = content_type.is_none_or(|value| essence(value) == FORM);
        if !is_form {
            return Err(ApiError::new(
                ErrorKind::UnsupportedMediaType,
                format!("The body must be a form: send the header Content-Type: {FORM}"),
            ));
        }
        let bytes = read(request, &app.settings, Most::of_any(&app.settings)).await?;
        from_form(&bytes).map(Self)
    }
}

/// A form's fields as a JSON object of texts, read into `T`. Of a field that is given twice the
/// last one counts.
fn from_form<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let fields = url::form_urlencoded::parse(bytes)
        .map(|(key, value)| (key.into_owned(), Value::String(value.into_owned())))
        .collect();
    serde_json::from_value(Value::Object(fields)).map_err(|error| malformed(&error))
}

/// What a form's content type is.
const FORM: &str = "application/x-www-form-urlencoded";

/// A content type without its parameters, in lower case.
fn essence(value: &HeaderValue) -> String {
    let text = value.to_str().unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

async fn json_bytes(request: Request, settings: &ApiSettings) -> Result<Bytes, ApiError> {
    require_json(&request)?;
    read(request, settings, Most::of_any(settings)).await
}

/// The most bytes that a body may have, and the setting that says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Most {
    bytes: usize,
    setting: &'static str,
}

impl Most {
    /// Of any body.
    pub(super) fn of_any(settings: &ApiSettings) -> Self {
        Self { bytes: settings.max_body_bytes, setting: "quarkus.http.limits.max-body-size" }
    }

    /// Of an engine's report.
    fn of_report(settings: &ApiSettings) -> Self {
        let setting = "merak.metrics-reports.max-size";
        let of_report = Self { bytes: settings.max_report_bytes, setting };
        let of_any = Self::of_any(settings);
        if of_report.bytes < of_any.bytes { of_report } else { of_any }
    }
}

fn require_json(request: &Request) -> Result<(), ApiError> {
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let is_json = content_type.is_none_or(|value| {
        let essence = essence(value);
        essence == "application/json" || essence.ends_with("+json")
    });
    if is_json {
        return Ok(());
    }
    Err(ApiError::new(
        ErrorKind::UnsupportedMediaType,
        "The body must be JSON: send the header Content-Type: application/json",
    ))
}

/// Reads a body, which is bounded before and after decompression.
async fn read(request: Request, settings: &ApiSettings, most: Most) -> Result<Bytes, ApiError> {
    let encoding = encoding(request.headers())?;
    let bytes = raw_body(request.into_body(), settings, most).await?;
    match encoding {
        Encoding::Identity => Ok(bytes),
        Encoding::Gzip => {
            let mut plain = Vec::new();
            let one_more = u64::try_from(most.bytes).unwrap_or(u64::MAX).saturating_add(1);
            flate2::read::MultiGzDecoder::new(bytes.as_ref())
                .take(one_more)
                .read_to_end(&mut plain)
                .map_err(|_| ApiError::new(ErrorKind::BadRequest, "The body is not gzip"))?;
            if plain.len() > most.bytes {
                return Err(too_large(most));
            }
            Ok(plain.into())
        }
    }
}

fn too_large(Most { bytes, setting }: Most) -> ApiError {
    ApiError::new(
        ErrorKind::PayloadTooLarge,
        format!("The body is larger than {bytes} bytes ({setting})"),
    )
}

/// Reads a body as it was sent, which is bounded.
pub(super) async fn raw_body(
    body: Body,
    settings: &ApiSettings,
    most: Most,
) -> Result<Bytes, ApiError> {
    // Sooner than the request as a whole, of which it would not be known what became: before its
    // body is there, nothing was begun.
    let patience = settings.request_timeout / 2;
    let read = tokio::time::timeout(patience, axum::body::to_bytes(body, most.bytes)).await;
    let read = read.map_err(|_| {
        ApiError::new(
            ErrorKind::RequestTimeout,
            "The body did not arrive in time; nothing was changed",
        )
    })?;
    read.map_err(|error| {
        if is_length_limit(&error) {
            return too_large(most);
        }
        ApiError::new(ErrorKind::BadRequest, "The body could not be read to its end")
    })
}

enum Encoding {
    Identity,
    Gzip,
}

fn encoding(headers: &HeaderMap) -> Result<Encoding, ApiError> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else {
        return Ok(Encoding::Identity);
    };
    match value.to_str().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(Encoding::Identity),
        "gzip" | "x-gzip" => Ok(Encoding::Gzip),
        _ => Err(ApiError::new(
            ErrorKind::UnsupportedMediaType,
            "The body may be compressed with gzip, and with nothing else",
        )),
    }
}

fn is_length_limit(error: &axum::Error) -> bool {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = source {
        if error.is::<http_body_util::LengthLimitError>() {
            return true;
        }
        source = error.source();
    }
    false
}

fn malformed(error: &serde_json::Error) -> ApiError {
    if error.is_data() {
        return ApiError::new(ErrorKind::MismatchedInput, format!("Invalid value: {error}"));
    }
    ApiError::new(ErrorKind::JsonParse, format!("Invalid JSON: {error}"))
}

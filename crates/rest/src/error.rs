//! What clients read when something went wrong: the only place that knows status codes and the
//! names of exceptions.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use merak_authn::Error as AuthnError;
use merak_authz::Error as AuthzError;
use merak_model::EntityKind;
use merak_service::{Error as ServiceError, RemoteRefusal};
use merak_wire::error::{ErrorModel, ErrorResponse};

/// The kinds of errors that clients tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    BadRequest,
    IllegalArgument,
    Validation,
    ConstraintViolation,
    ReactiveViolation,
    InvalidPolicy,
    PolicyInUse,
    GrantNotFound,
    JsonParse,
    MismatchedInput,
    InvalidIdempotencyKey,
    NotAuthorized,
    Forbidden,
    NoSuchNamespace,
    NoSuchTable,
    NoSuchView,
    NoSuchPolicy,
    NoSuchMapping,
    NotFound,
    NoSuchRealm,
    MethodNotAllowed,
    RequestTimeout,
    UnsupportedOperation,
    AlreadyExists,
    NamespaceNotEmpty,
    CommitFailed,
    CommitConflict,
    PolicyVersionMismatch,
    PolicyMappingAlreadyExists,
    PayloadTooLarge,
    NotImplemented,
    UnsupportedMediaType,
    Unprocessable,
    TooManyRequests,
    Internal,
    CommitStateUnknown,
    ServiceUnavailable,
}

impl ErrorKind {
    /// Every kind, for the test that shows them all.
    pub const ALL: [Self; 37] = [
        Self::BadRequest,
        Self::IllegalArgument,
        Self::Validation,
        Self::ConstraintViolation,
        Self::ReactiveViolation,
        Self::InvalidPolicy,
        Self::PolicyInUse,
        Self::GrantNotFound,
        Self::JsonParse,
        Self::MismatchedInput,
        Self::InvalidIdempotencyKey,
        Self::NotAuthorized,
        Self::Forbidden,
        Self::NoSuchNamespace,
        Self::NoSuchTable,
        Self::NoSuchView,
        Self::NoSuchPolicy,
        Self::NoSuchMapping,
        Self::NotFound,
        Self::NoSuchRealm,
        Self::MethodNotAllowed,
        Self::RequestTimeout,
        Self::UnsupportedOperation,
        Self::AlreadyExists,
        Self::NamespaceNotEmpty,
        Self::CommitFailed,
        Self::CommitConflict,
        Self::PolicyVersionMismatch,
        Self::PolicyMappingAlreadyExists,
        Self::PayloadTooLarge,
        Self::NotImplemented,
        Self::UnsupportedMediaType,
        Self::Unprocessable,
        Self::TooManyRequests,
        Self::Internal,
        Self::CommitStateUnknown,
        Self::ServiceUnavailable,
    ];

    /// The status of the answer: Polaris', where it differs from the protocol's document.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::BadRequest
            | Self::IllegalArgument
            | Self::Validation
            | Self::ConstraintViolation
            | Self::ReactiveViolation
            | Self::InvalidPolicy
            | Self::PolicyInUse
            | Self::GrantNotFound
            | Self::JsonParse
            | Self::MismatchedInput
            | Self::InvalidIdempotencyKey => StatusCode::BAD_REQUEST,
            Self::NotAuthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NoSuchNamespace
            | Self::NoSuchTable
            | Self::NoSuchView
            | Self::NoSuchPolicy
            | Self::NoSuchMapping
            | Self::NotFound
            | Self::NoSuchRealm => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::UnsupportedOperation => StatusCode::NOT_ACCEPTABLE,
            Self::AlreadyExists
            | Self::NamespaceNotEmpty
            | Self::CommitFailed
            | Self::CommitConflict
            | Self::PolicyVersionMismatch
            | Self::PolicyMappingAlreadyExists => StatusCode::CONFLICT,
            Self::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Self::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
            // A client that reads 4xx here would delete the files of a commit that may have
            // happened.
            Self::Internal | Self::CommitStateUnknown => StatusCode::INTERNAL_SERVER_ERROR,
            Self::ServiceUnavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The exception that Iceberg clients raise on reading this.
    pub const fn exception(self) -> &'static str {
        match self {
            Self::BadRequest => "BadRequestException",
            Self::IllegalArgument => "IllegalArgumentException",
            Self::Validation => "ValidationException",
            Self::ConstraintViolation => "ConstraintViolationException",
            // What Polaris' framework calls the one before; published tests of policies compare it.
            Self::ReactiveViolation => "ResteasyReactiveViolationException",
            Self::InvalidPolicy => "InvalidPolicyException",
            Self::PolicyInUse => "PolicyInUseException",
            Self::GrantNotFound => "GRANT_NOT_FOUND",
            Self::JsonParse => "JsonParseException",
            Self::MismatchedInput => "MismatchedInputException",
            Self::InvalidIdempotencyKey => "InvalidIdempotencyKey",
            Self::NotAuthorized => "NotAuthorizedException",
            Self::Forbidden => "ForbiddenException",
            Self::NoSuchNamespace => "NoSuchNamespaceException",
            Self::NoSuchTable => "NoSuchTableException",
            Self::NoSuchView => "NoSuchViewException",
            Self::NoSuchPolicy => "NoSuchPolicyException",
            Self::NoSuchMapping => "NoSuchMappingException",
            Self::NotFound => "NotFoundException",
            Self::NoSuchRealm => "MissingOrInvalidRealm",
            Self::MethodNotAllowed => "MethodNotAllowedException",
            Self::RequestTimeout => "TimeoutException",
            // 501 is what makes Iceberg's Java client raise it; Polaris answers 406 mostly.
            Self::UnsupportedOperation | Self::NotImplemented => "UnsupportedOperationException",
            Self::AlreadyExists => "AlreadyExistsException",
            Self::NamespaceNotEmpty => "NamespaceNotEmptyException",
            Self::CommitFailed => "CommitFailedException",
            Self::CommitConflict => "CommitConflictException",
            Self::PolicyVersionMismatch => "PolicyVersionMismatchException",
            Self::PolicyMappingAlreadyExists => "PolicyMappingAlreadyExistsException",
            Self::PayloadTooLarge => "PayloadTooLargeException",
            Self::UnsupportedMediaType => "UnsupportedMediaTypeException",
            Self::Unprocessable => "UnprocessableEntityException",
            Self::TooManyRequests => "TooManyRequestsException",
            Self::Internal => "InternalServerError",
            Self::CommitStateUnknown => "CommitStateUnknownException",
            Self::ServiceUnavailable => "ServiceUnavailableException",
        }
    }

    /// Whether a request that was refused so is refused for good.
    ///
    /// What was asked for did not happen, and the answer is the same whenever it is asked for. What merely may not be done now, and
    /// what failed, is not.
    pub(crate) fn is_final(self) -> bool {
        matches!(self.status().as_u16(), 400 | 404 | 406 | 409 | 422)
    }

    /// The kind of a refusal for good, by the name of its exception.
    pub(crate) fn final_by_exception(exception: &str) -> Option<Self> {
        let mut kinds = Self::ALL.into_iter().filter(|kind| kind.is_final());
        kinds.find(|kind| kind.exception() == exception)
    }

    const fn not_found(kind: EntityKind) -> Self {
        match kind {
            EntityKind::Namespace => Self::NoSuchNamespace,
            EntityKind::Table | EntityKind::GenericTable => Self::NoSuchTable,
            EntityKind::View => Self::NoSuchView,
            EntityKind::Policy => Self::NoSuchPolicy,
            EntityKind::Root
            | EntityKind::Principal
            | EntityKind::PrincipalRole
            | EntityKind::Catalog
            | EntityKind::CatalogRole => Self::NotFound,
        }
    }
}

/// An error, as clients read it.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    kind: ErrorKind,
    message: String,
    /// When the same request may come again, in seconds, if it is known.
    retry_after_s: Option<u64>,
    /// The status and the exception of another catalog, whose refusal this is.
    passed: Option<(StatusCode, String)>,
}

impl ApiError {
    /// An error of that kind, in words for the client.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), retry_after_s: None, passed: None }
    }

    /// The same, for who may come again after so many seconds.
    #[must_use]
    pub fn retry_after_s(self, seconds: u64) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }

    /// The kind.
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether it is remembered for a request with an idempotency key. What another catalog refused, it
    /// remembers itself, or does not.
    pub(crate) fn is_final(&self) -> bool {
        self.passed.is_none() && self.kind.is_final()
    }

    /// The refusal of another catalog, as it came from there.
    fn passed(refusal: RemoteRefusal) -> Self {
        let RemoteRefusal { status, exception, message } = refusal;
        let status = StatusCode::from_u16(status).ok().filter(|status| status.as_u16() >= 400);
        let kind = match status.map(|status| status.as_u16()) {
            Some(403) => ErrorKind::Forbidden,
            Some(404) => ErrorKind::NotFound,
            Some(409) => ErrorKind::CommitConflict,
            Some(400..=499) => ErrorKind::BadRequest,
            Some(503) => ErrorKind::ServiceUnavailable,
            Some(_) | None => ErrorKind::Internal,
        };
        Self { passed: status.map(|status| (status, exception)), ..Self::new(kind, message) }
    }

    /// Answers with the error's own message, and logs its sources, which clients never see.
    fn from_error(kind: ErrorKind, error: &(dyn std::error::Error + 'static)) -> Self {
        if kind.status().is_server_error() {
            tracing::error!(error, "request failed");
        }
        Self::new(kind, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, exception) = match &self.passed {
            Some((status, exception)) => (*status, exception.as_str()),
            None => (self.kind.status(), self.kind.exception()),
        };
        let error = ErrorModel { message: &self.message, r#type: exception, code: status.as_u16() };
        let mut response = (status, crate::json(&ErrorResponse { error })).into_response();
        if self.kind == ErrorKind::NotAuthorized {
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, bearer);
        }
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl From<AuthzError> for ApiError {
    fn from(error: AuthzError) -> Self {
        let kind = match &error {
            AuthzError::Unauthenticated(_) => ErrorKind::NotAuthorized,
            AuthzError::Forbidden { .. }
            | AuthzError::DeniedBy(_)
            | AuthzError::AgainstTheRules(_)
            | AuthzError::MustRotate { .. } => ErrorKind::Forbidden,
            AuthzError::MissingForAssignment { .. }
            | AuthzError::NoSuchCatalogForGrant(_)
            | AuthzError::NoSuchRoleForGrant { .. }
            | AuthzError::NoSuchWarehouse(_) => ErrorKind::NotFound,
            // Polaris answers 500, by which a client takes a commit for one that may have happened.
            AuthzError::CannotAsk { .. } => ErrorKind::ServiceUnavailable,
            AuthzError::NoSuchTableOrView(_) => ErrorKind::NoSuchTable,
            AuthzError::Federated => ErrorKind::UnsupportedOperation,
            AuthzError::CannotExplain(_) => ErrorKind::BadRequest,
            AuthzError::NotFound { kind, .. } => ErrorKind::not_found(*kind),
            AuthzError::Metastore(_) => {
                let AuthzError::Metastore(source) = error else { unreachable!() };
                return ServiceError::from(source).into();
            }
        };
        Self::from_error(kind, &error)
    }
}

impl From<ServiceError> for ApiError {
    fn from(error: ServiceError) -> Self {
        let kind = match error {
            ServiceError::NotAuthorized(error) => return error.into(),
            ServiceError::Remote(refusal) => return Self::passed(refusal),
            ServiceError::NoSuchNamespace(_) => ErrorKind::NoSuchNamespace,
            ServiceError::NoSuchFile(_) | ServiceError::NoSuchTask(_) => ErrorKind::NotFound,
            ServiceError::InvalidPolicy(_) => ErrorKind::InvalidPolicy,
            ServiceError::PolicyInUse(_) => ErrorKind::PolicyInUse,
            ServiceError::PolicyVersionMismatch(_) => ErrorKind::PolicyVersionMismatch,
            ServiceError::PolicyTypeAttached(_) => ErrorKind::PolicyMappingAlreadyExists,
            ServiceError::NoSuchMapping(_) => ErrorKind::NoSuchMapping,
            ServiceError::AlreadyExists(_) => ErrorKind::AlreadyExists,
            ServiceError::NamespaceNotEmpty(_) => ErrorKind::NamespaceNotEmpty,
            ServiceError::CommitFailed(_) => ErrorKind::CommitFailed,
            // Who asks with a key is given the answer of then in the place of the second.
            ServiceError::ConcurrentModification(_) | ServiceError::AlreadyAnswered => {
                ErrorKind::CommitConflict
            }
            ServiceError::CommitStateUnknown { .. } => ErrorKind::CommitStateUnknown,
            ServiceError::Forbidden(_) | ServiceError::StorageDenied(_) => ErrorKind::Forbidden,
            ServiceError::BadRequest(_) => ErrorKind::BadRequest,
            ServiceError::IllegalArgument(_) => ErrorKind::IllegalArgument,
            ServiceError::Validation(_) => ErrorKind::Validation,
            ServiceError::Unprocessable(_) => ErrorKind::Unprocessable,
            ServiceError::Unsupported(_) => ErrorKind::UnsupportedOperation,
            ServiceError::Unavailable { .. } => ErrorKind::ServiceUnavailable,
            ServiceError::OperationFailed(_) => ErrorKind::GrantNotFound,
            ServiceError::Internal(_) => ErrorKind::Internal,
        };
        Self::from_error(kind, &error)
    }
}

impl From<AuthnError> for ApiError {
    fn from(error: AuthnError) -> Self {
        match &error {
            AuthnError::InvalidToken(reason) => {
                tracing::info!(reason, "token refused");
                Self::new(ErrorKind::NotAuthorized, "The access token is not valid")
            }
            AuthnError::Unavailable(_) | AuthnError::ProviderUnavailable(_) => {
                Self::from_error(ErrorKind::ServiceUnavailable, &error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_for_good_is_known_by_its_exception() {
        for kind in ErrorKind::ALL {
            let found = ErrorKind::final_by_exception(kind.exception());
            if kind.is_final() {
                assert_eq!(found, Some(kind));
            }
            assert_ne!(found, Some(ErrorKind::CommitStateUnknown));
        }
        assert!(!ErrorKind::CommitStateUnknown.is_final() && !ErrorKind::Forbidden.is_final());
    }

    #[test]
    fn every_kind_has_its_status_and_exception() {
        let rows: Vec<_> = ErrorKind::ALL
            .iter()
            .map(|kind| format!("{} {}", kind.status().as_u16(), kind.exception()))
            .collect();
        let expected = [
            "400 BadRequestException",
            "400 IllegalArgumentException",
            "400 ValidationException",
            "400 ConstraintViolationException",
            "400 ResteasyReactiveViolationException",
            "400 InvalidPolicyException",
            "400 PolicyInUseException",
            "400 GRANT_NOT_FOUND",
            "400 JsonParseException",
            "400 MismatchedInputException",
            "400 InvalidIdempotencyKey",
            "401 NotAuthorizedException",
            "403 ForbiddenException",
            "404 NoSuchNamespaceException",
            "404 NoSuchTableException",
            "404 NoSuchViewException",
            "404 NoSuchPolicyException",
            "404 NoSuchMappingException",
            "404 NotFoundException",
            "404 MissingOrInvalidRealm",
            "405 MethodNotAllowedException",
            "408 TimeoutException",
            "406 UnsupportedOperationException",
            "409 AlreadyExistsException",
            "409 NamespaceNotEmptyException",
            "409 CommitFailedException",
            "409 CommitConflictException",
            "409 PolicyVersionMismatchException",
            "409 PolicyMappingAlreadyExistsException",
            "413 PayloadTooLargeException",
            "501 UnsupportedOperationException",
            "415 UnsupportedMediaTypeException",
            "422 UnprocessableEntityException",
            "429 TooManyRequestsException",
            "500 InternalServerError",
            "500 CommitStateUnknownException",
            "503 ServiceUnavailableException",
        ];

        assert_eq!(rows, expected);
    }
}

//! Calls from browsers: off unless configured.

use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer, ExposeHeaders};

use crate::app::{Allowed, Cors};

/// The layer for those settings. What is asked for is told back, since with credentials browsers
/// take no `*`.
pub(crate) fn layer(cors: &Cors) -> CorsLayer {
    let is_any_origin = matches!(cors.origins, Allowed::Any);
    let origins = match &cors.origins {
        Allowed::Any => AllowOrigin::any(),
        Allowed::These(origins) => AllowOrigin::list(origins.iter().cloned()),
    };
    let methods = match &cors.methods {
        Allowed::Any => AllowMethods::mirror_request(),
        Allowed::These(methods) => AllowMethods::list(methods.iter().cloned()),
    };
    let headers = match &cors.headers {
        Allowed::Any => AllowHeaders::mirror_request(),
        Allowed::These(headers) => AllowHeaders::list(headers.iter().cloned()),
    };
    let exposed = match &cors.exposed_headers {
        // A list cannot mirror what nobody asked for, and `*` is refused with credentials.
        Allowed::Any if cors.allow_credentials => ExposeHeaders::list([]),
        Allowed::Any => ExposeHeaders::any(),
        Allowed::These(headers) => ExposeHeaders::list(headers.iter().cloned()),
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods(methods)
        .allow_headers(headers)
        .expose_headers(exposed)
        .max_age(cors.max_age)
        .allow_credentials(cors.allow_credentials && !is_any_origin)
}

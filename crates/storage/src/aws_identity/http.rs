//! The HTTP client of the AWS SDK.

use std::time::Duration;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// Services close idle connections after about this time.
const IDLE_CONNECTIONS_LAST: Duration = Duration::from_secs(15);

/// A client to be shared: one for each STS client would load root certificates each time. It heeds
/// the environment's proxies, as the one that reads and writes files does.
pub(super) fn client() -> SharedHttpClient {
    Builder::new().pool_idle_timeout(IDLE_CONNECTIONS_LAST).build_with_connector_fn(
        |settings, components| {
            let mut builder = Connector::builder().proxy_config(ProxyConfig::from_env());
            builder.set_connector_settings(settings.cloned());
            builder.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
            builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build()
        },
    )
}

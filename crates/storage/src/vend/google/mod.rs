//! Google Cloud: access tokens, downscoped by a credential access boundary.

//! Google Cloud: tokens, impersonation, access boundaries, and a storage service that keeps to them.

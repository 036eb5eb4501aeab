//! AWS: STS sessions, narrowed by an inline session policy.

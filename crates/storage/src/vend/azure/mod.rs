//! Azure: shared access signatures, signed with a user delegation key.

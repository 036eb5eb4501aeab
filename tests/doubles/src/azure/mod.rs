//! Azure: the token endpoint, user delegation keys, and blobs behind signatures that are checked.

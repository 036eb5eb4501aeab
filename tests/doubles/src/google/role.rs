//! Roles of Google Cloud Storage, as far as objects are concerned.
//!
//! <https://cloud.google.com/storage/docs/access-control/iam-roles>

/// A permission that a call needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    /// `storage.objects.get`
    Get,
    /// `storage.objects.list`
    List,
    /// `storage.objects.create`
    Create,
    /// `storage.objects.delete`
    Delete,
    /// `storage.objects.update`
    Update,
    /// `storage.buckets.get`
    GetBucket,
}

impl Permission {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "storage.objects.get",
            Self::List => "storage.objects.list",
            Self::Create => "storage.objects.create",
            Self::Delete => "storage.objects.delete",
            Self::Update => "storage.objects.update",
            Self::GetBucket => "storage.buckets.get",
        }
    }
}

/// What a predefined role permits; nothing for a role that there is not.
pub(crate) fn permissions_of(role: &str) -> Option<&'static [Permission]> {
    use Permission::{Create, Delete, Get, GetBucket, List, Update};
    Some(match role.strip_prefix("roles/storage.")? {
        "objectViewer" => &[Get, List],
        "objectCreator" => &[Create],
        "objectUser" | "objectAdmin" => &[Get, List, Create, Delete, Update],
        "admin" => &[Get, List, Create, Delete, Update, GetBucket],
        "legacyObjectReader" => &[Get],
        "legacyObjectOwner" => &[Get, Update],
        "legacyBucketReader" => &[List, GetBucket],
        "legacyBucketWriter" | "legacyBucketOwner" => &[List, Create, Delete, GetBucket],
        _ => return None,
    })
}

//! What a client assumes of the table it changes.

use serde_json::Value;

use crate::json::{At, Object};
use crate::{Error, TableMetadata};

/// Something that must hold for a commit to be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableRequirement {
    /// The table does not exist.
    AssertCreate,
    /// The table is still the same, and not another by the same name.
    AssertTableUuid {
        /// The uuid, in any case.
        uuid: String,
    },
    /// A branch or tag points to a snapshot.
    AssertRefSnapshotId {
        /// The branch or tag.
        reference: String,
        /// The snapshot; `None` if there must be no such branch or tag.
        snapshot_id: Option<i64>,
    },
    /// Nobody added columns.
    AssertLastAssignedFieldId {
        /// The highest field id.
        last_assigned_field_id: i32,
    },
    /// Nobody changed the current schema.
    AssertCurrentSchemaId {
        /// Id of the current schema.
        current_schema_id: i32,
    },
    /// Nobody added partition fields.
    AssertLastAssignedPartitionId {
        /// The highest partition field id.
        last_assigned_partition_id: i32,
    },
    /// Nobody changed the default partition spec.
    AssertDefaultSpecId {
        /// Id of the default partition spec.
        default_spec_id: i32,
    },
    /// Nobody changed the default sort order.
    AssertDefaultSortOrderId {
        /// Id of the default sort order.
        default_sort_order_id: i32,
    },
}

impl TableRequirement {
    pub(crate) fn parse(at: At<'_>, value: Value) -> Result<Self, Error> {
        let mut object = Object::new(at, value)?;
        let kind: String = object.required("type")?;
        Ok(match kind.as_str() {
            "assert-create" => Self::AssertCreate,
            "assert-table-uuid" => Self::AssertTableUuid { uuid: object.required("uuid")? },
            "assert-ref-snapshot-id" => Self::AssertRefSnapshotId {
                reference: object.required("ref")?,
                // Java leaves the member out where the document wants a null.
                snapshot_id: object.optional("snapshot-id")?,
            },
            "assert-last-assigned-field-id" => Self::AssertLastAssignedFieldId {
                last_assigned_field_id: object.required("last-assigned-field-id")?,
            },
            "assert-current-schema-id" => Self::AssertCurrentSchemaId {
                current_schema_id: object.required("current-schema-id")?,
            },
            "assert-last-assigned-partition-id" => Self::AssertLastAssignedPartitionId {
                last_assigned_partition_id: object.required("last-assigned-partition-id")?,
            },
            "assert-default-spec-id" => {
                Self::AssertDefaultSpecId { default_spec_id: object.required("default-spec-id")? }
            }
            "assert-default-sort-order-id" => Self::AssertDefaultSortOrderId {
                default_sort_order_id: object.required("default-sort-order-id")?,
            },
            "assert-view-uuid" => {
                return Err(at.invalid("assert-view-uuid is no requirement of a table"));
            }
            _ => return Err(at.invalid(format_args!("unknown requirement type: {kind}"))),
        })
    }

    /// Checks the requirement. The words are the reference implementation's, which clients show and
    /// test suites compare.
    pub(crate) fn check(&self, base: &TableMetadata) -> Result<(), Error> {
        match self {
            Self::AssertCreate => Err(Error::requirement("table already exists")),
            Self::AssertTableUuid { uuid } => {
                if uuid.eq_ignore_ascii_case(base.uuid()) {
                    return Ok(());
                }
                let actual = base.uuid();
                Err(Error::requirement(format_args!(
                    "UUID does not match: expected {actual} != {uuid}"
                )))
            }
            Self::AssertRefSnapshotId { reference, snapshot_id } => {
                check_reference(base, reference, *snapshot_id)
            }
            Self::AssertLastAssignedFieldId { last_assigned_field_id } => {
                check_id("last assigned field id", *last_assigned_field_id, base.last_column_id())
            }
            Self::AssertCurrentSchemaId { current_schema_id } => {
                check_id("current schema", *current_schema_id, base.current_schema_id())
            }
            Self::AssertLastAssignedPartitionId { last_assigned_partition_id } => check_id(
                "last assigned partition id",
                *last_assigned_partition_id,
                base.last_partition_id(),
            ),
            Self::AssertDefaultSpecId { default_spec_id } => {
                check_id("default partition spec", *default_spec_id, base.default_spec_id())
            }
            Self::AssertDefaultSortOrderId { default_sort_order_id } => {
                check_id("default sort order", *default_sort_order_id, base.default_sort_order_id())
            }
        }
    }
}

fn check_id(what: &str, expected: i32, actual: i32) -> Result<(), Error> {
    if expected == actual {
        return Ok(());
    }
    Err(Error::requirement(format_args!("{what} changed: expected id {expected} != {actual}")))
}

fn check_reference(base: &TableMetadata, name: &str, expected: Option<i64>) -> Result<(), Error> {
    match (base.reference(name), expected) {
        (None, None) => Ok(()),
        (Some(actual), Some(expected)) if actual.snapshot_id == expected => Ok(()),
        (Some(actual), Some(expected)) => Err(Error::requirement(format_args!(
            "{} {name} has changed: expected id {expected} != {}",
            actual.kind, actual.snapshot_id
        ))),
        (Some(actual), None) => {
            Err(Error::requirement(format_args!("{} {name} was created concurrently", actual.kind)))
        }
        (None, Some(expected)) => Err(Error::requirement(format_args!(
            "branch or tag {name} is missing, expected {expected}"
        ))),
    }
}

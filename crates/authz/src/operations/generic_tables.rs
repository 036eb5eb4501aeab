//! Operations on generic tables. Polaris judges them by those on tables, and calls them so.

use super::operations;
use crate::{ResolvedGenericTable, ResolvedNamespace, ResolvedNewTable};

operations! { ResolvedNamespace:
    /// Lists the generic tables of a namespace.
    ListGenericTables = "LIST_TABLES" asked as "LIST_GENERIC_TABLES" requires [TableList];
}

operations! { ResolvedNewTable:
    /// Makes a generic table.
    CreateGenericTable = "CREATE_TABLE_DIRECT" asked as "CREATE_GENERIC_TABLE"
        requires [TableCreate];
    /// Makes a generic table, and reads and writes its data.
    CreateGenericTableWithWriteDelegation = "CREATE_TABLE_DIRECT_WITH_WRITE_DELEGATION"
        asked as "CREATE_GENERIC_TABLE_WITH_WRITE_DELEGATION"
        requires [TableCreate, TableWriteData];
}

operations! { ResolvedGenericTable:
    /// Reads what is known of a generic table.
    LoadGenericTable = "LOAD_TABLE" asked as "LOAD_GENERIC_TABLE" requires [TableReadProperties];
    /// Reads what is known of a generic table, and its data.
    LoadGenericTableWithReadDelegation = "LOAD_TABLE_WITH_READ_DELEGATION"
        asked as "LOAD_GENERIC_TABLE_WITH_READ_DELEGATION" requires [TableReadData];
    /// Reads what is known of a generic table, and reads and writes its data.
    LoadGenericTableWithWriteDelegation = "LOAD_TABLE_WITH_WRITE_DELEGATION"
        asked as "LOAD_GENERIC_TABLE_WITH_WRITE_DELEGATION" requires [TableWriteData];
    /// Removes a generic table from its catalog, and leaves its files.
    DropGenericTable = "DROP_TABLE_WITHOUT_PURGE" asked as "DROP_GENERIC_TABLE"
        requires [TableDrop];
}

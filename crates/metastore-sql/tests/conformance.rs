//! The conformance suite on SQLite, in memory and in a file. On PostgreSQL it is in `postgresql.rs`.

mod databases;

mod in_memory {
    merak_metastore::metastore_conformance!(crate::databases::in_memory());
}

mod in_a_file {
    merak_metastore::metastore_conformance!(crate::databases::sqlite_file());
}

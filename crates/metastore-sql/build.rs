//! Says whether there is a PostgreSQL to test against, so that its tests exist exactly when they can
//! run.

fn main() {
    println!("cargo::rustc-check-cfg=cfg(postgres_is_configured)");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=MERAK_TEST_POSTGRES_URL");
    if std::env::var_os("MERAK_TEST_POSTGRES_URL").is_some() {
        println!("cargo::rustc-cfg=postgres_is_configured");
    }
}

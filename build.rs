//! Run paths: an installed `wharfd` finds libduckdb beside itself, one in the target folder finds the unpacked prebuilt.
#![allow(clippy::print_stdout)]

fn main() {
    println!("cargo::rerun-if-env-changed=DUCKDB_LIB_DIR");
    if std::env::var_os("CARGO_FEATURE_BUNDLED").is_some() {
        return;
    }
    println!("cargo::rustc-link-arg-bin=wharfd=-Wl,-rpath,$ORIGIN/../lib");
    if let Ok(folder) = std::env::var("DUCKDB_LIB_DIR") {
        println!("cargo::rustc-link-arg-bin=wharfd=-Wl,-rpath,{folder}");
        println!("cargo::rustc-link-arg-tests=-Wl,-rpath,{folder}");
    }
}

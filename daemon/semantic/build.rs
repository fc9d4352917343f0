//! Lets the tests find the prebuilt libduckdb: cargo replaces an LD_LIBRARY_PATH that its configuration sets.
#![allow(clippy::print_stdout)]

fn main() {
    println!("cargo::rerun-if-env-changed=DUCKDB_LIB_DIR");
    if let Ok(folder) = std::env::var("DUCKDB_LIB_DIR") {
        println!("cargo::rustc-link-arg-tests=-Wl,-rpath,{folder}");
    }
}

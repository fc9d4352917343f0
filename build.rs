//! Run paths: `wharfd` finds libduckdb in `lib/` beside its own folder; only debug builds and tests also look where the
//! prebuilt was unpacked, for an installed program must not search a folder that belongs to whoever built it.
#![allow(clippy::print_stdout)]

fn main() {
    println!("cargo::rerun-if-env-changed=DUCKDB_LIB_DIR");
    if std::env::var_os("CARGO_FEATURE_BUNDLED").is_some() {
        return;
    }
    println!("cargo::rustc-link-arg-bin=wharfd=-Wl,-rpath,$ORIGIN/../lib");
    if let Ok(folder) = std::env::var("DUCKDB_LIB_DIR") {
        if std::env::var("PROFILE").as_deref() != Ok("release") {
            println!("cargo::rustc-link-arg-bin=wharfd=-Wl,-rpath,{folder}");
        }
        println!("cargo::rustc-link-arg-tests=-Wl,-rpath,{folder}");
    }
}

//! Compiles the C++ shell (every `shell/*.cc`) against the headers of two npm packages; nothing is downloaded.
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| ".".into()));
    let modules = here.join("../../node_modules");
    let include_dirs = [
        modules.join("node-addon-api"),
        modules.join("node-api-headers/include"),
    ];
    for (dir, header) in include_dirs.iter().zip(["napi.h", "node_api.h"]) {
        if !dir.join(header).is_file() {
            let text = format!(
                "{header} is not in {}: run npm install first",
                dir.display()
            );
            return Err(io::Error::new(io::ErrorKind::NotFound, text));
        }
    }
    let shell = here.join("shell");
    println!("cargo:rerun-if-changed={}", shell.display());
    println!("cargo:rerun-if-env-changed=MYRMEX_SANITIZE");
    let mut build = cc::Build::new();
    build
        .cpp(true)
        .std("c++17")
        .files(sources(&shell)?)
        .includes(&include_dirs)
        .define("NAPI_VERSION", "8")
        .define("NAPI_DISABLE_CPP_EXCEPTIONS", None)
        .define("NODE_ADDON_API_DISABLE_DEPRECATED", None)
        .flag("-fvisibility=hidden")
        .flag("-fno-exceptions")
        .flag_if_supported("-Wno-cast-function-type");
    // For scripts/sanitize.mjs, which loads the sanitizers' libraries before everything else.
    if env::var_os("MYRMEX_SANITIZE").is_some() {
        build
            .flag("-fsanitize=address,undefined")
            .flag("-fno-omit-frame-pointer")
            .flag("-g");
    }
    build.compile("myrmex_shell");
    Ok(())
}

fn sources(shell: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(shell)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "cc") {
            files.push(path);
        }
    }
    // The order of a directory listing is the file system's: sorted, the same sources give the same archive.
    files.sort();
    Ok(files)
}

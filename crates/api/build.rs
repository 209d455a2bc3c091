//! Lists the modules of the web client, so that each that is written is compiled in and served.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

const FOLDER: &str = "web/modules";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={FOLDER}");
    let root = PathBuf::from(required("CARGO_MANIFEST_DIR")?).join(FOLDER);
    let mut files = Vec::new();
    if root.is_dir() {
        list(&root, &mut files)?;
    }
    files.sort();
    let entries: String = files
        .iter()
        .filter_map(|file| {
            Some((file.strip_prefix(&root).ok()?.to_str()?.replace('\\', "/"), file.to_str()?))
        })
        .map(|(name, file)| format!("    ({name:?}, include_bytes!({file:?})),\n"))
        .collect();
    let listing = Path::new(&required("OUT_DIR")?).join("modules.rs");
    fs::write(listing, format!("&[\n{entries}]\n"))
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "js") {
            files.push(path);
        }
    }
    Ok(())
}

fn required(name: &str) -> io::Result<std::ffi::OsString> {
    env::var_os(name).ok_or_else(|| io::Error::other(format!("{name} is not set")))
}

//! The `bootstrap` that is measured: the one that ships, which is linked with musl. benches/run.sh has it packed and names it in
//! `LAMBDA_STDIO_BOOTSTRAP`. Without that, Cargo is asked for it; and where Rust has no standard library for musl, the one
//! that Cargo has built for this benchmark is taken, which is linked with glibc and said to be.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

pub struct Shipped {
    pub file: PathBuf,
    /// The C library that is in it.
    pub libc: &'static str,
}

pub fn bootstrap() -> &'static Shipped {
    static FOUND: OnceLock<Shipped> = OnceLock::new();
    FOUND.get_or_init(|| {
        let named = env::var_os("LAMBDA_STDIO_BOOTSTRAP").map(PathBuf::from);
        let file = named.or_else(build).unwrap_or_else(|| cargos().to_owned());
        let file = file.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        Shipped { libc: libc_of(&file), file }
    })
}

/// The same, linked with glibc, where that is another one.
pub fn glibc() -> Result<&'static Path, String> {
    let other = cargos();
    if libc_of(other) == "glibc" && bootstrap().libc != "glibc" {
        return Ok(other);
    }
    Err("there is one bootstrap alone, so no row says how its C library matters".to_owned())
}

/// The zip that ./build.sh has put beside it.
pub fn zip() -> Option<u64> {
    Some(fs::metadata(bootstrap().file.with_file_name("lambda-stdio.zip")).ok()?.len())
}

pub fn size() -> u64 {
    fs::metadata(&bootstrap().file).map_or(0, |file| file.len())
}

fn cargos() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_bootstrap"))
}

/// Has Cargo build it, as ./build.sh does. None where that cannot be.
fn build() -> Option<PathBuf> {
    let target = format!("{}-unknown-linux-musl", env::consts::ARCH);
    let library = Command::new("rustc").args(["--print", "target-libdir", "--target", &target]).output().ok()?;
    if !Path::new(String::from_utf8(library.stdout).ok()?.trim()).exists() {
        return None;
    }
    let variable = format!("CARGO_TARGET_{}_LINKER", target.to_uppercase().replace('-', "_"));
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let mut cargo = Command::new(env::var_os("CARGO")?);
    cargo.args(["build", "--release", "--locked", "--quiet", "--target", &target, "--manifest-path", manifest]);
    cargo.env(&variable, env::var_os(&variable).unwrap_or("rust-lld".into()));
    // The folder in which this program lies, too: beside `release`.
    let this = env::current_exe().ok()?;
    let folder = this.ancestors().nth(3)?;
    let done = cargo.arg("--target-dir").arg(folder).status().ok()?;
    done.success().then(|| folder.join(target).join("release/bootstrap"))
}

/// glibc's words are in all that is linked with it.
fn libc_of(file: &Path) -> &'static str {
    let bytes = fs::read(file).unwrap_or_default();
    if memchr::memmem::find(&bytes, b"GLIBC_TUNABLES").is_some() { "glibc" } else { "musl" }
}

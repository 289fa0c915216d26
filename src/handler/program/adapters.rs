//! The adapters: one source file a language in handlers/, compiled into `bootstrap`, so that one file is all that a
//! user deploys. Each loads the user's code, says when it is ready, and speaks messages.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// How functions of one language are run.
#[derive(Debug)]
pub struct Adapter {
    pub language: &'static str,
    /// Of the source files that it is for. The first that exists is taken.
    pub endings: &'static [&'static str],
    /// Looked for on `$PATH`.
    pub interpreter: &'static str,
    before: &'static [&'static str],
    source: &'static str,
    after: &'static [&'static str],
}

const PYTHON: Adapter = Adapter {
    language: "Python",
    endings: &["py"],
    interpreter: "python3",
    before: &["-c"],
    source: include_str!("../../../handlers/python/adapter.py"),
    after: &[],
};

const NODE: Adapter = Adapter {
    language: "Node.js",
    endings: &["js", "mjs", "cjs"],
    interpreter: "node",
    // As a module: what -e itself is given shares its names with the user's code, and is slower to start.
    before: &["-e", "module._compile(process.argv.splice(1, 1)[0], 'lambda-stdio.cjs')", "--"],
    source: include_str!("../../../handlers/node/adapter.cjs"),
    after: &[],
};

const BASH: Adapter = Adapter {
    language: "bash",
    endings: &["sh", "bash"],
    interpreter: "bash",
    before: &["-c"],
    source: include_str!("../../../handlers/bash/adapter.bash"),
    after: &[],
};

const RUBY: Adapter = Adapter {
    language: "Ruby",
    endings: &["rb"],
    interpreter: "ruby",
    before: &["-e"],
    source: include_str!("../../../handlers/ruby/adapter.rb"),
    after: &["--"],
};

/// Not `--script`, which implies `--lose-on-corruption`: stack exhaustion would end the process.
const SBCL: Adapter = Adapter {
    language: "SBCL",
    endings: &["lisp", "fasl"],
    interpreter: "sbcl",
    before: &[
        "--noinform",
        "--disable-ldb",
        "--no-sysinit",
        "--no-userinit",
        "--disable-debugger",
        "--eval",
        // A core may have it already, compiled.
        "(if (find-package \"LAMBDA-STDIO\") nil (load (make-string-input-stream (second sb-ext:*posix-argv*))))",
        "--eval",
        "(lambda-stdio::main)",
        "--end-toplevel-options",
    ],
    source: include_str!("../../../handlers/sbcl/adapter.lisp"),
    after: &[],
};

/// In the order in which their source files are looked for.
pub const ALL: [&Adapter; 5] = [&PYTHON, &NODE, &BASH, &SBCL, &RUBY];

/// What an adapter is to run.
#[derive(Debug)]
pub enum Entry<'a> {
    /// `name` in the source file `file`, or in the module that the language itself finds under this name.
    Function { adapter: &'static Adapter, file: &'a Path, name: &'a OsStr },
    /// A Roswell script.
    RoswellScript { file: &'a Path },
    /// A Lisp form, or several.
    LispForm { form: &'a OsStr },
}

/// The adapter for `entry`, and the arguments of its interpreter. `memory`: what the function may use, in MB.
pub fn command(entry: &Entry<'_>, memory: Option<u32>) -> (&'static Adapter, Vec<OsString>) {
    let (adapter, kind, file, name) = match *entry {
        Entry::Function { adapter, file, name } => (adapter, "function", file.as_os_str(), name),
        Entry::RoswellScript { file } => (&SBCL, "script", file.as_os_str(), OsStr::new("")),
        Entry::LispForm { form } => (&SBCL, "form", OsStr::new(""), form),
    };
    let is_sbcl = adapter.language == SBCL.language;
    // SBCL's heap has a size of its own: it could not use a large sandbox, and would be killed in a small one before it
    // found its heap exhausted.
    let heap = memory.filter(|_| is_sbcl).map(|memory| ["--dynamic-space-size".to_owned(), memory.to_string()]);
    let before = adapter.before.iter().copied().chain([adapter.source]).chain(adapter.after.iter().copied());
    // Only SBCL runs other things than functions, and is told which.
    let words = before.chain(is_sbcl.then_some(kind)).map(OsStr::new).chain([file, name]).map(OsStr::to_owned);
    (adapter, heap.into_iter().flatten().map(OsString::from).chain(words).collect())
}

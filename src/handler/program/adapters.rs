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
    /// What it is started with, unless it is set.
    pub variables: &'static [(&'static str, &'static str)],
    before: &'static [&'static str],
    source: &'static str,
    after: &'static [&'static str],
}

const PYTHON: Adapter = Adapter {
    language: "Python",
    endings: &["py"],
    interpreter: "python3",
    // From 3.13 on, a module is imported from the working folder before the adapter is: a user's collections.py, say. The
    // adapter takes it away again.
    variables: &[("PYTHONSAFEPATH", "lambda-stdio")],
    before: &["-c"],
    // One namespace. What not every function needs is text until then: to compile it takes Python its time.
    source: concat!(
        include_str!("../../../handlers/python/adapter.py"),
        include_str!("../../../handlers/python/marshaller.py"),
        include_str!("../../../handlers/python/context.py"),
        include_str!("../../../handlers/python/load.py"),
        "LATER = {'client': r'''",
        include_str!("../../../handlers/python/client.py"),
        "''', 'errors': r'''",
        include_str!("../../../handlers/python/errors.py"),
        "''', 'log': r'''",
        include_str!("../../../handlers/python/log.py"),
        "''', 'official': r'''",
        include_str!("../../../handlers/python/official.py"),
        "''', 'plain': r'''",
        include_str!("../../../handlers/python/plain.py"),
        "''', 'snapstart': r'''",
        include_str!("../../../handlers/python/snapstart.py"),
        "''', 'stream': r'''",
        include_str!("../../../handlers/python/stream.py"),
        "'''}\n",
        include_str!("../../../handlers/python/runtime.py"),
    ),
    after: &[],
};

/// The modules of an adapter for Node.js as one, which runs the first of them: `require` finds the others in it.
macro_rules! node_modules {
    ($($name:literal),+) => {
        concat!(
            "const parts={",
            $("'./", $name, "':(module,require)=>{", include_str!(concat!("../../../handlers/node/", $name)), "},",)+
            "};const loaded={},load=(name)=>{if(!parts[name])return require(name);if(!loaded[name])",
            "parts[name](loaded[name]={exports:{}},load);return loaded[name].exports};load.resolve=require.resolve;",
            "load(Object.keys(parts)[0])"
        )
    };
}

const NODE: Adapter = Adapter {
    language: "Node.js",
    // The order in which AWS's runtime looks for them.
    endings: &["js", "mjs", "cjs"],
    interpreter: "node",
    variables: &[],
    // As a module: what -e itself is given shares its names with the user's code, and is slower to start. Its name is
    // absolute, for hooks that look at who requires what. An older Node.js could not even read the adapter.
    before: &[
        "-e",
        concat!(
            "parseInt(process.versions.node)<18?(require('fs').writeSync(1,JSON.stringify({errorMessage:",
            "'A handler in Node.js needs Node.js 18 or newer; '+process.execPath+' is '+process.version.slice(1),",
            "errorType:'Runtime.InvalidEntrypoint',stackTrace:[]})),process.exit(1)):",
            "module._compile(process.argv.splice(1,1)[0],'/lambda-stdio.cjs')"
        ),
        "--",
    ],
    source: node_modules!(
        "adapter.cjs",
        "awslambda.cjs",
        "call.cjs",
        "errors.cjs",
        "invocation.cjs",
        "load.cjs",
        "log.cjs",
        "pipes.cjs",
        "store.cjs",
        "stream.cjs"
    ),
    after: &[],
};

const BASH: Adapter = Adapter {
    language: "bash",
    endings: &["sh", "bash"],
    interpreter: "bash",
    variables: &[],
    before: &["-c"],
    source: include_str!("../../../handlers/bash/adapter.bash"),
    after: &[],
};

const RUBY: Adapter = Adapter {
    language: "Ruby",
    endings: &["rb"],
    interpreter: "ruby",
    variables: &[],
    before: &["-e"],
    source: concat!(include_str!("../../../handlers/ruby/log.rb"), include_str!("../../../handlers/ruby/adapter.rb")),
    after: &["--"],
};

/// Not `--script`, which implies `--lose-on-corruption`: stack exhaustion would end the process.
const SBCL: Adapter = Adapter {
    language: "SBCL",
    endings: &["lisp", "fasl"],
    interpreter: "sbcl",
    variables: &[],
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
    source: concat!(
        include_str!("../../../handlers/sbcl/environment.lisp"),
        include_str!("../../../handlers/sbcl/messages.lisp"),
        include_str!("../../../handlers/sbcl/conditions.lisp"),
        include_str!("../../../handlers/sbcl/loading.lisp"),
        include_str!("../../../handlers/sbcl/adapter.lisp"),
    ),
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
    let sbcl = |memory: u32| vec!["--dynamic-space-size".to_owned(), memory.to_string()];
    let heap = match memory {
        Some(memory) if is_sbcl => sbcl(memory),
        Some(memory) if adapter.language == NODE.language => node_heap(memory, std::env::var("NODE_OPTIONS").ok()),
        _ => Vec::new(),
    };
    let before = adapter.before.iter().copied().chain([adapter.source]).chain(adapter.after.iter().copied());
    // Only SBCL runs other things than functions, and is told which.
    let words = before.chain(is_sbcl.then_some(kind)).map(OsStr::new).chain([file, name]).map(OsStr::to_owned);
    (adapter, heap.into_iter().map(OsString::from).chain(words).collect())
}

/// Node.js would take half of the memory for its heap, and be killed in a small sandbox before it has collected its
/// garbage. These are the shares that AWS's own runtime gives it. What `options` (`NODE_OPTIONS`) say goes before.
fn node_heap(memory: u32, options: Option<String>) -> Vec<String> {
    let options = options.unwrap_or_default().replace('_', "-");
    let shares = [("--max-old-space-size", memory - memory / 10), ("--max-semi-space-size", memory / 10 / 2)];
    let unsaid = shares.into_iter().filter(|(option, _)| !options.contains(option));
    unsaid.map(|(option, megabytes)| format!("{option}={megabytes}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heap_of_node_js_is_most_of_the_memory_unless_its_options_say_otherwise() {
        assert_eq!(node_heap(512, None), ["--max-old-space-size=461", "--max-semi-space-size=25"]);
        let options = Some("--enable-source-maps --max_old_space_size=300".to_owned());
        assert_eq!(node_heap(1024, options), ["--max-semi-space-size=51"]);
    }
}

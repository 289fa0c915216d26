//! Names and what they mean, in a folder with its own `$PATH` and layers.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{Program, find};
use crate::fault::Fault;
use crate::handler::program::Sought;

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lambda-stdio-find-{name}-{}", std::process::id()));
        fs::create_dir_all(path.join("bin")).expect("a folder");
        Self(path)
    }

    fn file(&self, name: &str, content: &str, mode: u32) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("it");
        fs::write(&path, content).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its mode");
        path
    }

    fn sought(&self, name: &str) -> Sought {
        let named = Sought::named(name.into(), self.0.clone(), self.0.join("bin").into());
        Sought { layers: self.0.join("opt"), ..named }
    }

    fn find(&self, name: &str) -> Result<Program, Fault> {
        find(&self.sought(name))
    }

    fn fault(&self, name: &str) -> (String, String) {
        let fault = self.find(name).expect_err("a fault");
        (fault.error_type, fault.message)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_name_must_be_one() {
    let folder = Folder::new("name");
    assert_eq!(folder.fault("").0, "Runtime.MalformedHandlerName");
    assert_eq!(folder.fault("a\nb").0, "Runtime.MalformedHandlerName");
    assert_eq!(folder.fault("a\u{7f}").0, "Runtime.MalformedHandlerName");
}

#[test]
fn an_executable_file_comes_before_a_source_file_and_that_before_the_path() {
    let folder = Folder::new("order");
    let on_path = folder.file("bin/main.handler", "", 0o755);
    assert_eq!(folder.find("main.handler").expect("a program").path, on_path);
    folder.file("main.py", "", 0o644);
    folder.file("bin/python3", "", 0o755);
    let program = folder.find("main.handler").expect("an adapter");
    assert_eq!(program.path, folder.0.join("bin/python3"));
    assert_eq!(program.arguments[2..], [folder.0.join("main.py").as_os_str(), OsStr::new("handler")]);
    assert!(program.speaks_messages);
    let file = folder.file("main.handler", "", 0o755);
    let program = folder.find("main.handler").expect("a program");
    assert_eq!((program.path, program.arguments.len(), program.folder), (file, 0, folder.0.clone()));
}

#[test]
fn a_script_that_lost_its_bit_is_run_by_its_interpreter() {
    let folder = Folder::new("bit");
    let script = folder.file("run", "#! /usr/bin/env  python3 -u \nprint()\n", 0o644);
    let program = folder.find("run").expect("a program");
    assert_eq!(program.path, Path::new("/usr/bin/env"));
    assert_eq!(program.arguments, [OsStr::new("python3 -u"), script.as_os_str()]);
    folder.file("data.py", "print()\n", 0o644);
    let (kind, message) = folder.fault("data.py");
    assert_eq!(kind, "Runtime.InvalidEntrypoint");
    assert!(message.contains("chmod +x"), "{message}");
}

#[test]
fn lisp_forms_and_roswell_scripts_are_for_sbcl() {
    let folder = Folder::new("lisp");
    let script = folder.file("hello.ros", "#!/bin/sh\n", 0o755);
    let (kind, message) = folder.fault("'f");
    assert_eq!(kind, "Runtime.InvalidEntrypoint");
    assert!(message.contains("needs sbcl"), "{message}");
    folder.file("bin/sbcl", "", 0o755);
    let words = |name: &str| {
        let arguments = folder.find(name).expect("an adapter").arguments;
        arguments[arguments.len() - 3..].to_vec()
    };
    for form in ["'f", "#'f", "(load\"main.lisp\")'cl-user::f"] {
        assert_eq!(words(form), ["form", "", form]);
    }
    assert_eq!(words("hello.ros"), [OsStr::new("script"), script.as_os_str(), OsStr::new("")]);
}

#[test]
fn the_last_dot_with_a_file_before_it_divides_file_and_name() {
    let folder = Folder::new("dots");
    folder.file("bin/node", "", 0o755);
    let file = folder.file("app.js", "", 0o644);
    let arguments = folder.find("app.a.b.handler").expect("an adapter").arguments;
    assert_eq!(arguments[arguments.len() - 2..], [file.as_os_str(), OsStr::new("a.b.handler")]);
}

#[test]
fn nothing_found_names_every_place() {
    let folder = Folder::new("nothing");
    let (kind, message) = folder.fault("sub.mod/app.v2.run");
    assert_eq!(kind, "Runtime.HandlerNotFound");
    assert!(message.contains(&format!("{}/sub.mod/app.v2.run", folder.0.display())), "{message}");
    for place in ["sub.mod/app.v2.py", "sub.mod/app.v2.lisp", "sub.mod/app.rb", "opt/python", "app/index.js", "app.pyc"]
    {
        assert!(message.contains(place), "{place} in {message}");
    }
    assert!(message.lines().all(|line| line.len() < 1000) && message.lines().count() > 5, "{message}");
    assert!(!message.contains("sub.py"), "only dots of the last part: {message}");
    assert!(folder.fault("sub.mod.run").1.contains("sub/mod.py"), "a module of a package");
    assert!(folder.fault("nowhere").1.contains(&format!("nowhere on the PATH ({}/bin)", folder.0.display())));
    // A folder is no handler.
    let (kind, message) = folder.fault("bin");
    assert_eq!(kind, "Runtime.HandlerNotFound");
    assert!(message.contains("bin is a folder"), "{message}");
}

#[test]
fn a_name_that_is_near_is_offered() {
    let folder = Folder::new("near");
    folder.file("greet.sh", "#!/bin/sh\n", 0o755);
    folder.file("bin/jq", "", 0o755);
    folder.file("app.py", "import json\n\ndef helper(): pass\nasync def handler(event, context):\n  pass\n", 0o644);
    folder.file("web/index.js", "exports.run = async () => {}\n", 0o644);
    for (name, wanted) in [
        ("greet", "Did you mean greet.sh?"),
        ("gret.sh", "Did you mean greet.sh?"),
        ("Greet.sh", "Did you mean greet.sh?"),
        ("app", "Did you mean app.handler?"),
        ("ap.handler", "Did you mean app.handler?"),
        ("app.py", "app.py has a function handler: say app.handler"),
        ("web/index.js", "web/index.js has a function run: say web/index.run"),
        ("jq -c '.a'", "say jq, and HANDLER_ARGS='-c '\\''.a'\\'''"),
        ("greet.sh -v", "say greet.sh, and HANDLER_ARGS='-v'"),
    ] {
        let message = folder.fault(name).1;
        assert!(message.contains(wanted), "{name}: {message}");
    }
    assert!(!folder.fault("something-else").1.contains("Did you mean"));
}

#[test]
fn a_file_comes_before_a_form() {
    let folder = Folder::new("form");
    for name in ["my(1).sh", "'quoted"] {
        let file = folder.file(name, "#!/bin/sh\n", 0o755);
        assert_eq!(folder.find(name).expect("a program").path, file);
    }
}

#[test]
fn modules_are_where_their_language_looks() {
    let folder = Folder::new("modules");
    for interpreter in ["python3", "node", "ruby", "bash", "sbcl"] {
        folder.file(&format!("bin/{interpreter}"), "", 0o755);
    }
    for (file, name) in [
        ("a/__init__.py", "a.handler"),
        ("b/c.py", "b.c.handler"),
        ("b/d/__init__.py", "b.d.handler"),
        ("e.pyc", "e.handler"),
        ("opt/python/f.py", "f.handler"),
        ("opt/python/lib/python3.12/site-packages/g/__init__.py", "g.handler"),
        ("h/index.js", "h.handler"),
        ("i.mjs", "i.handler"),
        ("opt/nodejs/node_modules/j/index.js", "j.handler"),
        ("node_modules/k/index.js", "k.handler"),
        ("opt/ruby/lib/l.rb", "l.handler"),
        ("opt/bash/m.sh", "m.handler"),
        ("opt/lisp/n.lisp", "n.handler"),
    ] {
        let file = folder.file(file, "", 0o644);
        let program = folder.find(name).expect("an adapter");
        assert_eq!(
            program.arguments[program.arguments.len() - 2..],
            [file.as_os_str(), OsStr::new("handler")],
            "{name}"
        );
        assert_eq!(program.file, Some(file));
    }
    // The task root's come first; a whole path is nowhere else.
    let own = folder.file("f.py", "", 0o644);
    assert_eq!(folder.find("f.handler").expect("an adapter").file, Some(own));
    assert!(folder.find("./j.handler").is_err());
}

#[test]
fn a_language_that_is_named_is_the_one() {
    let folder = Folder::new("language");
    for file in ["bin/python3", "bin/node", "bin/sbcl", "bin/app.handler", "app.handler"] {
        folder.file(file, "#!/bin/sh\n", 0o755);
    }
    folder.file("app.py", "", 0o644);
    let last = |name: &str, language| {
        let program = find(&Sought { language: Some(language), ..folder.sought(name) })?;
        let words: Vec<_> = program.arguments[program.arguments.len() - 2..].to_vec();
        Ok::<_, Fault>((program.path, words))
    };
    let path = |name: &str| folder.0.join(name);
    let words = |file: &Path, name: &str| vec![file.as_os_str().to_owned(), name.into()];
    assert_eq!(last("app.handler", "Python"), Ok((path("bin/python3"), words(&path("app.py"), "handler"))));
    // An installed package: the name as it is.
    let module = words(Path::new("app"), "handler");
    assert_eq!(last("app.handler", "Node.js"), Ok((path("bin/node"), module)));
    let file = folder.file("app", "", 0o644);
    assert_eq!(last("app.handler", "Node.js"), Ok((path("bin/node"), words(&file, "handler"))));
    assert_eq!(last("other.f", "SBCL").expect_err("a fault").error_type, "Runtime.HandlerNotFound");
    assert_eq!(last("'f", "SBCL").expect("a form").1[1], "'f");
}

#[test]
fn arguments_are_for_programs() {
    let folder = Folder::new("arguments");
    folder.file("bin/python3", "", 0o755);
    folder.file("bin/sbcl", "", 0o755);
    let script = folder.file("script", "#!/bin/sh -e\n", 0o644);
    folder.file("app.py", "", 0o644);
    let with = |name: &str| find(&Sought { arguments: vec!["-x".into(), "y z".into()], ..folder.sought(name) });
    assert_eq!(with("python3").expect("a program").arguments, ["-x", "y z"]);
    assert_eq!(
        with("script").expect("a script").arguments,
        [OsStr::new("-e"), script.as_os_str(), OsStr::new("-x"), OsStr::new("y z")]
    );
    for name in ["app.handler", "'f"] {
        let fault = with(name).expect_err("a fault");
        assert_eq!(fault.error_type, "Runtime.InvalidConfiguration");
        assert!(fault.message.contains("takes no arguments"), "{}", fault.message);
    }
}

#[test]
fn a_wrapper_gets_the_whole_command_line() {
    let folder = Folder::new("wrapper");
    let python = folder.file("bin/python3", "", 0o755);
    let wrapper = folder.file("wrap", "#!/bin/sh\n", 0o755);
    let in_it = |name: &str, wrapper: &str| {
        find(&Sought { wrapper: Some(wrapper.into()), arguments: vec!["x".into()], ..folder.sought(name) })
    };
    let program = in_it("python3", "wrap").expect("a wrapper");
    assert_eq!((program.path, &program.arguments[..]), (wrapper, &[python.into_os_string(), "x".into()][..]));
    let fault = in_it("python3", "/no/such").expect_err("a fault");
    assert_eq!(fault.error_type, "Runtime.InvalidEntrypoint");
    assert!(fault.message.contains("AWS_LAMBDA_EXEC_WRAPPER"), "{}", fault.message);
}

//! `./build.sh sbcl`: a layer with which a zip with one Lisp file is a function, where nothing of this machine's is in sight.

use crate::examples;
use crate::harness::building::{Build, Built, libraries, on_lambda, unzip};
use crate::harness::files::{Folder, spawn};
use crate::harness::{Function, need};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The layer without libraries, built once.
fn plain() -> PathBuf {
    static BUILT: OnceLock<Built> = OnceLock::new();
    BUILT.get_or_init(|| Build::new("sbcl -o out").packing_the_tested().succeed()).out("sbcl-layer.zip")
}

/// The layer with two libraries.
fn with_libraries() -> PathBuf {
    static BUILT: OnceLock<Built> = OnceLock::new();
    let packing = || Build::new("sbcl --with yason,alexandria -o out").packing_the_tested().succeed();
    BUILT.get_or_init(packing).out("sbcl-layer.zip")
}

/// A function with this layer: a zip with one file in it.
fn function(layer: &Path, name: &str, source: &str) -> Function {
    let folder = Folder::new();
    folder.write(name, source.as_bytes(), 0o644);
    let mut zip = Command::new(need("zip"));
    let zipped = spawn(zip.args(["-q", "function.zip", name]).current_dir(folder.path())).wait().unwrap();
    assert!(zipped.success());
    on_lambda(&folder.path().join("function.zip"), Some(layer), &[])
}

/// The function `handler` in `main.lisp`.
fn lisp(layer: &Path, source: &str) -> Function {
    let function = function(layer, "main.lisp", source);
    function.handler("main.handler")
}

#[test]
fn one_lisp_file_is_a_function() {
    let function = lisp(
        &plain(),
        "(defun pick-apples (number) (list (error \"no ~R apples\" number)))
         (defun handler (event headers)
           (format t \"größer ~A~%\" (cdr (assoc :content-type headers)))
           (when (string= event \"0\") (list (pick-apples 7)))
           (format nil \"[~A, ~S, ~S, ~S]\" event lambda-stdio:*aws-region* lambda-stdio:*handler*
                   (namestring *default-pathname-defaults*)))",
    );
    let running = function.env("AWS_REGION", "eu-north-1").start();
    for number in 1..=3 {
        let answer = running.call(number.to_string());
        assert_eq!(answer.json()[0], number);
        assert_eq!(answer.json()[1], "eu-north-1");
        assert_eq!(answer.json()[2], "main.handler");
    }
    running.wait_log("größer application/json\n");
    // Of the stack the adapter's part is left out, though it is compiled like the rest.
    let answer = running.call("0");
    assert_eq!(answer.error("SIMPLE-ERROR"), "no seven apples");
    assert_eq!(answer.stack(), ["ERROR", "PICK-APPLES", "HANDLER"]);
    assert_eq!(running.call("4").json()[0], 4);
    assert!(!running.stderr().contains("WARNING"), "{}", running.stderr());
}

#[test]
fn the_adapter_is_in_the_core_and_so_is_asdf() {
    let function = lisp(
        &plain(),
        "(defvar *asdf* (find-package \"ASDF\"))
         (defun handler (event headers)
           (declare (ignore event headers))
           (format nil \"~S\" (mapcar (lambda (x) (and x t))
             (list (compiled-function-p #'lambda-stdio::main) *asdf* (compiled-function-p #'handler)
                   (not sb-ext:*after-gc-hooks*) (equal (namestring (uiop:getcwd)) \"/var/task/\")))))",
    );
    assert_eq!(function.start().call("1").response_text(), "\"(T T T T T)\"");
}

#[test]
fn contribs_are_found() {
    let function = lisp(
        &plain(),
        "(require \"sb-posix\")
         (require \"sb-bsd-sockets\")
         (defun handler (event headers)
           (declare (ignore event headers))
           (princ-to-string (= (funcall (intern \"GETPID\" \"SB-POSIX\")) (sb-unix:unix-getpid))))",
    );
    assert_eq!(function.start().call("1").response_text(), "\"T\"");
}

#[test]
fn roswell_scripts_and_forms_run_too() {
    let hello = examples::root().join("roswell-hello/hello.ros");
    let roswell = function(&plain(), "hello.ros", &fs::read_to_string(hello).unwrap());
    let example = |file: &str| fs::read_to_string(examples::root().join("roswell-hello").join(file)).unwrap();
    let answer = roswell.handler("hello.ros").start().call(example("event.json")).json();
    assert_eq!(answer, serde_json::from_str::<serde_json::Value>(&example("response.json")).unwrap());

    let form = function(&plain(), "main.lisp", "(defun f (e h) (declare (ignore h)) (format nil \"[~A]\" e))");
    let running = form.handler("(load\"main.lisp\")'f").start();
    assert_eq!(running.call("1").response_text(), "[1]");
}

#[test]
fn a_zip_of_build_sh_goes_with_it() {
    // Its own bootstrap comes first, and takes the adapter from the core.
    let packing = Build::new("function -o out").word(examples::root().join("sbcl-one-fasl")).packing_the_tested();
    let built = packing.succeed();
    let function = on_lambda(&built.out("sbcl-one-fasl.zip"), Some(&plain()), &[]);
    let running = function.handler("main.words:handler").start();
    let example = |file: &str| fs::read_to_string(examples::root().join("sbcl-one-fasl").join(file)).unwrap();
    let wanted: serde_json::Value = serde_json::from_str(&example("response.json")).unwrap();
    assert_eq!(running.call(example("event.json")).json(), wanted);
}

#[test]
fn libraries_are_in_the_core() {
    let function = lisp(
        &with_libraries(),
        "(asdf:load-system \"yason\") ; is there, and needs no sources
         (defun handler (event headers)
           (declare (ignore headers))
           (with-output-to-string (out)
             (yason:encode (alexandria:flatten (yason:parse event)) out)))",
    );
    let running = function.start();
    assert_eq!(running.call(r#"["a",["é",2]]"#).response_text(), r#"["a","é",2]"#);
    assert!(!running.stderr().contains("WARNING"), "{}", running.stderr());
}

#[test]
fn a_librarys_shared_library_goes_along() {
    // A path of this machine's, which is none in the layer.
    let libc = libraries(&need("bash")).into_iter().find(|path| path.ends_with("libc.so.6")).unwrap();
    let zlib = libc.with_file_name("libz.so.1");
    assert!(zlib.exists(), "this test needs {}: apt-get install zlib1g", zlib.display());
    let packing = Build::new("sbcl --with lib-z -o out").packing_the_tested();
    let home = packing.folder.path().to_owned();
    let built = packing
        .env("HOME", home)
        .file("common-lisp/lib-z/lib-z.asd", "(defsystem \"lib-z\" :components ((:file \"z\")))", 0o644)
        .file(
            "common-lisp/lib-z/z.lisp",
            &format!(
                "(eval-when (:compile-toplevel :load-toplevel :execute) (sb-alien:load-shared-object {zlib:?}))
                 (defun z-version () (sb-alien:alien-funcall
                   (sb-alien:extern-alien \"zlibVersion\" (function sb-alien:c-string))))"
            ),
            0o644,
        )
        .succeed();
    let source = "(defun handler (event headers) (declare (ignore event headers)) (z-version))";
    let function = lisp(&built.out("sbcl-layer.zip"), source);
    assert!(function.folder().join("opt/lib/libz.so.1").exists());
    let version = function.start().call("1").response_text().to_owned();
    assert!(version.starts_with("\"1.") || version.starts_with("1."), "{version}");
}

#[test]
fn nothing_in_it_needs_a_glibc_that_lambda_has_not() {
    for layer in [plain(), with_libraries()] {
        let folder = Folder::new();
        unzip(&layer, folder.path());
        let mut command = Command::new(need("find"));
        command.arg(folder.path()).args(["-type", "f"]).stdout(Stdio::piped());
        let output = spawn(&mut command).wait_with_output().unwrap();
        let mut programs = 0;
        for file in String::from_utf8(output.stdout).unwrap().lines() {
            if !fs::read(file).unwrap().starts_with(b"\x7fELF") {
                continue;
            }
            programs += 1;
            let mut command = Command::new(need("objdump"));
            let output = spawn(command.args(["-p", "-T", file]).stdout(Stdio::piped())).wait_with_output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            for version in text.split(|c: char| c.is_whitespace() || "()".contains(c)) {
                let Some(version) = version.strip_prefix("GLIBC_") else { continue };
                let numbers: Vec<u32> = version.split('.').map(|number| number.parse().expect(version)).collect();
                assert!(numbers[..2] <= [2, 34][..], "{file} needs GLIBC_{version}");
            }
            for library in text.lines().filter_map(|line| line.trim().strip_prefix("NEEDED ")).map(str::trim) {
                let glibc = library.starts_with("libc.so.")
                    || library.starts_with("libm.so.")
                    || library.starts_with("ld-linux");
                assert!(glibc || folder.path().join("lib").join(library).exists(), "{file} needs {library}");
            }
        }
        assert!(programs >= 2, "bootstrap and sbcl at least");
    }
}

#[test]
fn the_licences_of_all_that_is_packed_are_in_it() {
    let folder = Folder::new();
    unzip(&with_libraries(), folder.path());
    let licences = folder.path().join("share/licenses");
    let mut packed = vec!["lambda-stdio".to_owned(), "sbcl".to_owned(), "yason".to_owned(), "alexandria".to_owned()];
    for file in fs::read_dir(folder.path().join("lib")).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        packed.extend(name.contains(".so").then_some(name));
    }
    for name in packed {
        let files = fs::read_dir(licences.join(&name)).unwrap_or_else(|_| panic!("{name} has no licence in the layer"));
        let text: String = files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect();
        assert!(text.to_lowercase().contains("copyright") || text.contains("Licen"), "{name}: {text}");
    }
    // One that has none.
    let packing = Build::new("sbcl --with mine -o out").packing_the_tested();
    let home = packing.folder.path().to_owned();
    let system = "(defsystem \"mine\" :components ((:file \"a\")))";
    let packing = packing.env("HOME", home).file("common-lisp/mine/mine.asd", system, 0o644);
    let built = packing.file("common-lisp/mine/a.lisp", "(defun f () 1)", 0o644).succeed();
    assert!(built.stdout.contains("no licence was found for mine"), "{}", built.stdout);
}

#[test]
fn nothing_of_where_it_was_made_is_in_it() {
    let packing = Build::new("sbcl -o elsewhere").packing_the_tested().env("TZ", "Asia/Tokyo").env("LC_ALL", "C");
    let built = packing.env("HOME", "/home/of-mine").env("MY_TOKEN", "is-secret").succeed();
    let unpacked = [Folder::new(), Folder::new()];
    unzip(&plain(), unpacked[0].path());
    unzip(&built.folder.path().join("elsewhere/sbcl-layer.zip"), unpacked[1].path());
    let core = "lib/sbcl/sbcl.core";
    let [one, other] = [0, 1].map(|at| fs::read(unpacked[at].path().join(core)).unwrap());
    for text in [built.folder.path().to_str().unwrap(), env!("CARGO_MANIFEST_DIR"), "of-mine", "is-secret", "Tokyo"] {
        // Lisp's strings have one byte a character, or four.
        let wide: Vec<u8> = text.bytes().flat_map(|byte| [byte, 0, 0, 0]).collect();
        for needle in [text.as_bytes(), &wide] {
            assert!(memchr::memmem::find(&other, needle).is_none(), "{text} is in the core");
        }
    }
    assert_eq!(one.len(), other.len());
    // All else is the same.
    for folder in &unpacked {
        fs::remove_file(folder.path().join(core)).unwrap();
    }
    let mut diff = Command::new(need("diff"));
    let same = spawn(diff.arg("-r").args(unpacked.iter().map(Folder::path))).wait().unwrap();
    assert!(same.success());
}

#[test]
fn what_is_wrong_with_a_library_is_said() {
    let packing = |with: &str| Build::new(&format!("sbcl -o out --with {with}")).packing_the_tested();
    let built = packing("yason,no-such-thing").fail("There is no Lisp library no-such-thing here.");
    assert!(built.stderr.contains("apt-get install cl-no-such-thing"), "{}", built.stderr);
    packing("../yason;x").fail("these are no names of Lisp libraries: --with ../yason;x");

    let home = |packing: Build| {
        let home = packing.folder.path().to_owned();
        packing.env("HOME", home)
    };
    let system = "(defsystem \"mine\" :depends-on (\"no-such-thing\") :components ((:file \"a\")))";
    let built = home(packing("mine")).file("common-lisp/mine/mine.asd", system, 0o644);
    built.fail("There is no Lisp library no-such-thing here, which mine needs.");
    let system = "(defsystem \"mine\" :components ((:file \"a\")))";
    let built = home(packing("mine")).file("common-lisp/mine/mine.asd", system, 0o644);
    let built = built.file("common-lisp/mine/a.lisp", "(defun f (", 0o644).fail("mine cannot be loaded: ");
    assert!(built.stderr.contains("end of file"), "{}", built.stderr);
}

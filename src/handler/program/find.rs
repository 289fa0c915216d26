//! What `$_HANDLER` means: from a name to a program that can be started, or a fault that says where was looked.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::adapters::{self, Adapter, Entry};
use super::entrypoint::{self, Program, first_line, interpreter, is_program};
use super::modules::{self, Module};
use super::near;
use super::sought::Sought;
use crate::config;
use crate::fault::Fault;
use crate::log;

/// Finds the program that is sought. Relative names are looked for in the task root, then on `$PATH`.
pub fn find(sought: &Sought) -> Result<Program, Fault> {
    check_name(&sought.name)?;
    let program = match sought.language {
        Some(language) => function(sought, language)?,
        None => anything(sought)?,
    };
    match &sought.wrapper {
        Some(wrapper) => wrapped(program, &sought.task_root.join(wrapper)),
        None => Ok(program),
    }
}

fn check_name(name: &OsStr) -> Result<(), Fault> {
    if name.is_empty() {
        return Err(Fault::malformed_handler_name(
            "The handler's name is empty: set _HANDLER (the function's handler setting, or the first argument) to a program in the task root",
        ));
    }
    if name.as_bytes().iter().any(u8::is_ascii_control) {
        return Err(Fault::malformed_handler_name(format!(
            "The handler's name {:?} has control characters: set _HANDLER to a program in the task root",
            name.to_string_lossy()
        )));
    }
    Ok(())
}

/// In the order of the table in the documentation.
fn anything(sought: &Sought) -> Result<Program, Fault> {
    let name = &*sought.name;
    let path = sought.task_root.join(name);
    if !path.is_file() && is_lisp_form(name) {
        return adapted(&Entry::LispForm { form: name }, sought);
    }
    if let Some(program) = file(&path, sought)? {
        return Ok(program);
    }
    let candidates = modules::candidates(sought);
    // `main.py` is no function `py` of itself.
    if let Some(module) = candidates.iter().find(|module| module.file.is_file() && module.file != path) {
        return adapted(&entry(module), sought);
    }
    let on_path = sought.on_path(name);
    if let Some(path) = on_path.into_iter().find(|path| is_program(path)) {
        return Ok(program(path.clone(), path, sought));
    }
    Err(near::nothing_found(&path, &candidates, sought))
}

/// A function in a language that was named.
fn function(sought: &Sought, language: &str) -> Result<Program, Fault> {
    let name = &*sought.name;
    let path = sought.task_root.join(name);
    let is_lisp = language == "SBCL";
    if is_lisp && !path.is_file() && is_lisp_form(name) {
        return adapted(&Entry::LispForm { form: name }, sought);
    }
    if is_lisp && is_roswell(&path) {
        return adapted(&Entry::RoswellScript { file: &path }, sought);
    }
    let candidates = modules::candidates(sought);
    if let Some(module) = candidates.iter().find(|module| module.file.is_file() && module.file != path) {
        return adapted(&entry(module), sought);
    }
    // An installed package is where only the language itself finds it.
    let divided = match language {
        "Python" => modules::stems(name).next(),
        // Functions may lie in objects and classes, and modules have no dots.
        "Node.js" | "Ruby" => modules::stems(name).last(),
        _ => None,
    };
    match (divided, candidates.first()) {
        (Some((module, name)), Some(candidate)) => {
            adapted(&Entry::Function { adapter: candidate.adapter, file: Path::new(module), name }, sought)
        }
        _ => Err(near::nothing_found(&path, &candidates, sought)),
    }
}

/// A file of that very name, if it is one that can be run.
fn file(path: &Path, sought: &Sought) -> Result<Option<Program>, Fault> {
    if is_roswell(path) {
        return adapted(&Entry::RoswellScript { file: path }, sought).map(Some);
    }
    if !path.is_file() {
        return Ok(None);
    }
    entrypoint::check_line_ends(path, is_program(path))?;
    if is_program(path) {
        return Ok(Some(program(path.to_owned(), path.to_owned(), sought)));
    }
    let Some((interpreter, mut arguments)) = first_line(path).as_deref().and_then(interpreter) else { return Ok(None) };
    log::warn(format_args!(
        "{} is not executable, so its first line's {} is run on it; chmod +x it to end this warning",
        path.display(),
        interpreter.display()
    ));
    arguments.push(path.into());
    let mut program = program(interpreter, path.to_owned(), sought);
    program.arguments.splice(..0, arguments);
    Ok(Some(program))
}

/// 'f and #'f are forms as much as (load"main")'f is.
fn is_lisp_form(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.starts_with(b"'") || name.starts_with(b"#'") || name.contains(&b'(')
}

fn is_roswell(path: &Path) -> bool {
    path.extension() == Some(OsStr::new("ros")) && path.is_file()
}

fn program(path: PathBuf, file: PathBuf, sought: &Sought) -> Program {
    let (arguments, folder) = (sought.arguments.clone(), sought.task_root.clone());
    Program { path, arguments, folder, speaks_messages: false, variables: &[], file: Some(file) }
}

fn entry<'a>(module: &'a Module<'_>) -> Entry<'a> {
    Entry::Function { adapter: module.adapter, file: &module.file, name: module.function }
}

/// The adapter's interpreter, set to run `entry`.
fn adapted(entry: &Entry<'_>, sought: &Sought) -> Result<Program, Fault> {
    let (adapter, arguments) = adapters::command(entry, config::function_memory());
    if !sought.arguments.is_empty() {
        return Err(Fault::invalid_configuration(format!(
            "{} is a {} in {}, which takes no arguments: leave out HANDLER_ARGS, and what stands behind the handler's name",
            sought.name.display(),
            if matches!(entry, Entry::LispForm { .. }) { "form" } else { "function" },
            adapter.language
        )));
    }
    let file = match entry {
        Entry::Function { file, .. } | Entry::RoswellScript { file } => Some(sought.task_root.join(file)),
        Entry::LispForm { .. } => None,
    };
    if let Some(file) = file.as_ref().filter(|_| adapter.language == "bash") {
        entrypoint::warn_of_line_ends(file);
    }
    let interpreter = interpreter_of(adapter, sought)?;
    Ok(Program {
        path: interpreter,
        arguments,
        folder: sought.task_root.clone(),
        speaks_messages: true,
        variables: adapter.variables,
        file,
    })
}

fn interpreter_of(adapter: &Adapter, sought: &Sought) -> Result<PathBuf, Fault> {
    let mut on_path = sought.on_path(OsStr::new(adapter.interpreter)).into_iter();
    on_path.find(|path| is_program(path)).ok_or_else(|| {
        Fault::invalid_entrypoint(format!(
            "A handler in {} needs {}, which is not on the PATH ({}): bring it in the image or in a layer",
            adapter.language,
            adapter.interpreter,
            sought.search_path.display()
        ))
    })
}

/// The wrapper in the program's place: it gets the whole command line, and ends by becoming it (`exec "$@"`).
fn wrapped(program: Program, wrapper: &Path) -> Result<Program, Fault> {
    if !is_program(wrapper) {
        return Err(Fault::invalid_entrypoint(format!(
            "AWS_LAMBDA_EXEC_WRAPPER={} cannot be run: it must be an executable file, such as a script that ends in exec \"$@\"",
            wrapper.display()
        )));
    }
    entrypoint::check_line_ends(wrapper, true)?;
    let arguments = [vec![program.path.into_os_string()], program.arguments].concat();
    Ok(Program { path: wrapper.to_owned(), arguments, ..program })
}

#[cfg(test)]
mod tests;

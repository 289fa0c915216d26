//! Finding and loading Node.js handlers: as AWS's runtime finds them, and what surrounds them.

use super::{node, script};
use crate::harness::{Function, Running};
use serde_json::json;

#[track_caller]
fn fails(source: &str, kind: &str, message: &str) -> Running {
    Function::empty().file("app.js", source).handler("app.handler").expect_init_error(kind, message).run()
}

#[test]
fn what_cannot_be_loaded_is_an_init_error_of_the_official_name() {
    fails("require('nope');", "Runtime.ImportModuleError", "Error: Cannot find module 'nope'");
    fails("exports.handler = {", "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected end of input");
    fails("", "Runtime.HandlerNotFound", "app.handler is undefined or not exported");
    fails("exports.handler = 1;", "Runtime.HandlerNotFound", "app.handler is not a function");
    let function = fails("throw new RangeError('no table');", "RangeError", "no table");
    function.wait_log("app.js:1:7");
    let rejected = "Promise.reject(new Error('unseen')); exports.handler = async () => 1;";
    fails(rejected, "Runtime.UnhandledPromiseRejection", "Error: unseen");
    fails("process.exit(4);", "Runtime.ExitError", "status 4");
    node("import 'nope';").expect_init_error("Runtime.ImportModuleError", "nope").run();
}

/// A function of these files, each of which answers with its name.
fn named(files: &[&str]) -> Function {
    files.iter().fold(Function::empty(), |function, file| {
        let own = if file.contains(".mjs") { "export const handler =" } else { "exports.handler =" };
        function.file(file, format!("{own} async () => '{file}';"))
    })
}

#[test]
fn endings_go_in_the_official_order() {
    named(&["app.cjs", "app.mjs", "app.js"]).handler("app.handler").event("1").expect_response("\"app.js\"").run();
    named(&["app.cjs", "app.mjs"]).handler("app.handler").event("1").expect_response("\"app.mjs\"").run();
    named(&["app.cjs"]).handler("app.handler").event("1").expect_response("\"app.cjs\"").run();
}

#[test]
fn the_first_dot_divides_file_and_name() {
    let nested = "exports.handler = 1; exports.prod = { handler: async () => 'app.js' };";
    let both = named(&["app.prod.js"]).file("app.js", nested).handler("app.prod.handler");
    both.event("1").expect_response("\"app.js\"").run();
    // AWS's runtime would look no further than for app.
    named(&["app.prod.js"]).handler("app.prod.handler").event("1").expect_response("\"app.prod.js\"").run();
    named(&["src.d/app.js"]).handler("src.d/app.handler").event("1").expect_response("\"src.d/app.js\"").run();
}

/// A function whose handler something that was loaded before has changed to this.
fn changed_to(setting: &str, function: Function) -> Function {
    let preload = format!("process.env._HANDLER = '{setting}';");
    let function = function.file("app.js", "exports.handler = async () => 'app.js';").file("preload.cjs", preload);
    let options = "--require /var/task/preload.cjs".to_owned();
    function.env("NODE_OPTIONS", options).handler("app.handler")
}

#[test]
fn a_handler_that_was_changed_while_loading_is_followed() {
    changed_to("lib/other.handler", named(&["lib/other.mjs"])).event("1").expect_response("\"lib/other.mjs\"").run();
    let wrapper = "const { handler } = require(process.env.LAMBDA_TASK_ROOT + '/app.js');
        exports.handler = async (...words) => 'around ' + await handler(...words);";
    let package = Function::empty().file("node_modules/agent/index.js", wrapper);
    changed_to("agent.handler", package).event("1").expect_response("\"around app.js\"").run();
    changed_to("nope.handler", Function::empty()).event("1").expect_response("\"app.js\"").run();
}

#[test]
fn a_folder_and_a_file_without_an_ending_are_modules() {
    for file in ["other/index.js", "other", "other.js/index.js"] {
        let setting = if file.contains(".js/") { "other.js/index.handler" } else { "other.handler" };
        let answer = format!("\"{file}\"");
        changed_to(setting, named(&[file])).event("1").expect_response(answer).run();
    }
    let main = named(&["other/lib/start.js"]).file("other/package.json", "{\"main\":\"lib/start.js\"}");
    changed_to("other.handler", main).event("1").expect_response("\"other/lib/start.js\"").run();
    // The folder has no module, and does not hide the file.
    let beside = named(&["other.mjs"]).file("other/data.txt", "");
    changed_to("other.handler", beside).event("1").expect_response("\"other.mjs\"").run();
}

#[test]
fn a_default_export_may_hold_the_handler() {
    node("export default { handler: async () => 7 };").event("1").expect_response("7").run();
}

#[test]
fn a_module_does_not_take_itself_for_the_program() {
    let guards = "const { realpathSync } = require('fs');
        const main = [];
        if (require.main === module) main.push('require.main');
        if (!module.parent) main.push('module.parent');
        if (realpathSync(process.argv[1]) === realpathSync(__filename)) main.push('argv');
        if (process.argv[1].includes('app')) main.push('name');
        exports.handler = async () => [main, process.argv.length];";
    script(guards).event("1").expect_response("[[],2]").run();
    let guards = "import { pathToFileURL } from 'node:url';
        const main = import.meta.url === pathToFileURL(process.argv[1]).href || import.meta.main === true;
        export const handler = async () => main;";
    node(guards).event("1").expect_response("false").run();
}

/// Sees all that `import()` loads, and nothing of what `require()` does.
const HOOKS: &str = "export async function load(url, context, next) {
    const loaded = await next(url, context);
    if (!url.endsWith('/app.mjs')) return loaded;
    return { ...loaded, source: String(loaded.source).replace('plain', 'hooked') };
}";

#[test]
fn es_modules_are_imported_where_hooks_see_them() {
    let register = "import { register } from 'node:module'; register('./hooks.mjs', import.meta.url);";
    let function = node("export const handler = async () => 'plain';").file("hooks.mjs", HOOKS);
    let function = function.file("register.mjs", register);
    let options = "--import /var/task/register.mjs --no-warnings".to_owned();
    function.env("NODE_OPTIONS", options).event("1").expect_response("\"hooked\"").run();
}

#[test]
fn the_environment_names_the_runtime_unless_it_has_a_name() {
    let handler = || script("exports.handler = async () => process.env.AWS_EXECUTION_ENV;");
    let name = format!("\"AWS_Lambda_nodejs{}.x\"", super::major());
    handler().event("1").expect_response(name).run();
    handler().env("AWS_EXECUTION_ENV", "mine").event("1").expect_response("\"mine\"").run();
}

#[test]
fn the_heap_is_most_of_the_functions_memory() {
    let limit = |options: &str| {
        let handler = "exports.handler = async () => require('v8').getHeapStatistics().heap_size_limit >> 20;";
        let function = script(handler).env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1000").env("NODE_OPTIONS", options);
        function.start().call("1").json().as_u64().expect("megabytes")
    };
    // With what young objects have, which is some more.
    let own = limit("");
    assert!((900..1200).contains(&own), "{own} MB");
    let users = limit("--max-old-space-size=300");
    assert!((300..600).contains(&users), "{users} MB");
}

#[test]
fn a_user_may_call_a_file_as_a_part_of_the_adapter_or_of_node() {
    let parts = ["call", "errors", "invocation", "load", "log", "pipes", "store", "stream", "fs", "net", "util"];
    let files = parts.iter().fold(Function::empty(), |function, part| {
        let source = format!("exports.own = '{part}';");
        function.file(&format!("{part}.cjs"), &source).file(&format!("{part}.js"), &source)
    });
    let source = "exports.handler = async () => [require('./pipes.cjs').own, require('./fs').own];";
    let function = files.file("app.js", source).handler("app.handler").start();
    assert_eq!(function.call("1").json(), json!(["pipes", "fs"]));
}

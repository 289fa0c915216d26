//! CGI programs that nobody wrote for Lambda: PHP, Perl's CGI.pm, git and `ImageMagick`, behind the function URL of
//! cargo-lambda's emulator. A request goes the whole way, from an HTTP client and back to it.

use crate::emulator::Emulator;
use crate::harness::files::{Folder, need, spawn};
use crate::harness::http::client;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

type Response = ureq::http::Response<ureq::Body>;

/// An emulator with one function: this handler, in a folder with these files.
fn site(handler: &str, files: &[(&str, &str)], environment: &[(&str, &str)]) -> Emulator {
    let folder = Folder::new();
    for (name, content) in files {
        folder.write(name, content.as_bytes(), 0o755);
    }
    serve(folder, handler, environment)
}

fn serve(folder: Folder, handler: &str, environment: &[(&str, &str)]) -> Emulator {
    let mut emulator = Emulator::new(&["site"]);
    let mut variables = vec![("HANDLER_MODE".to_owned(), "cgi".to_owned())];
    let root = folder.path().to_str().unwrap().to_owned();
    variables.extend(environment.iter().map(|(name, value)| ((*name).to_owned(), value.replace("$ROOT", &root))));
    emulator.serve("site", handler, &variables, folder);
    emulator
}

fn url(emulator: &Emulator, path: &str) -> String {
    format!("{}/lambda-url/site{path}", emulator.url())
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[track_caller]
fn text(mut response: Response, emulator: &Emulator) -> String {
    let body = response.body_mut().read_to_string().unwrap();
    assert_eq!(response.status(), 200, "{body}\n{}", emulator.story());
    body
}

#[test]
fn a_script_of_ten_lines_serves_html() {
    let script = r#"#!/usr/bin/env bash
echo "Content-Type: text/html; charset=utf-8"
echo
name=World
if [[ $QUERY_STRING =~ (^|&)name=([a-z]+) ]]; then
  name=${BASH_REMATCH[2]}
fi
echo "<!doctype html>"
echo "<title>$PATH_INFO</title>"
echo "<p>Hello, $name: wie schön"
"#;
    let emulator = site("page", &[("page", script)], &[]);
    let response = client().get(url(&emulator, "/a/page?name=ada")).call().unwrap();
    assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8");
    assert_eq!(text(response, &emulator), "<!doctype html>\n<title>/a/page</title>\n<p>Hello, ada: wie schön\n");
}

#[test]
fn php_serves_a_form_an_upload_and_a_session() {
    let script = r#"<?php
session_save_path(getenv('LAMBDA_TASK_ROOT'));
session_start();
$_SESSION['count'] = ($_SESSION['count'] ?? 0) + 1;
header('X-Count: ' . $_SESSION['count']);
if (isset($_FILES['file'])) {
    echo $_FILES['file']['name'], ' ', md5_file($_FILES['file']['tmp_name']), "\n";
} else {
    echo htmlspecialchars($_POST['name'] ?? $_GET['name'] ?? 'nobody'), "\n";
}
"#;
    let variables = [("SCRIPT_FILENAME", "$ROOT/index.php"), ("REDIRECT_STATUS", "200")];
    let emulator = site(need("php-cgi").to_str().unwrap(), &[("index.php", script)], &variables);
    // A form.
    let response = client().post(url(&emulator, "/")).send_form([("name", "A & B ü")]).unwrap();
    let cookie = header(&response, "set-cookie").split(';').next().unwrap().to_owned();
    assert!(cookie.starts_with("PHPSESSID="), "{:?}\n{}", response.headers(), emulator.story());
    assert_eq!(header(&response, "x-count"), "1");
    assert_eq!(text(response, &emulator), "A &amp; B ü\n");
    // The same session, by its cookie.
    let response = client().get(url(&emulator, "/?name=again")).header("Cookie", &cookie).call().unwrap();
    assert_eq!(header(&response, "x-count"), "2");
    assert_eq!(text(response, &emulator), "again\n");
    // An upload of bytes that are no text.
    let file: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let head = "--X\r\nContent-Disposition: form-data; name=\"file\"; filename=\"all.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n";
    let body = [head.as_bytes(), &file, b"\r\n--X--\r\n"].concat();
    let response = client()
        .post(url(&emulator, "/"))
        .header("Content-Type", "multipart/form-data; boundary=X")
        .send(&body[..])
        .unwrap();
    let folder = Folder::new();
    folder.write("all.bin", &file, 0o644);
    let sum = output(Command::new("md5sum").arg("all.bin").current_dir(folder.path()));
    let sum = sum.split(' ').next().unwrap();
    assert_eq!(text(response, &emulator), format!("all.bin {sum}\n"));
}

#[test]
fn perl_s_own_cgi_module_reads_the_request_and_redirects() {
    need("perl");
    let script = r#"#!/usr/bin/env perl
use strict; use warnings; use CGI qw(-utf8);
my $q = CGI->new;
if ($q->param('to')) { print $q->redirect(-uri => $q->param('to'), -cookie => [$q->cookie(-name => 'a', -value => '1'), $q->cookie(-name => 'b', -value => '2')]); exit }
print $q->header(-type => 'text/plain', -charset => 'utf-8'), $q->request_method, ' ', $q->path_info, ' ', join(',', $q->multi_param('v')), "\n";
"#;
    let emulator = site("page.pl", &[("page.pl", script)], &[]);
    let response = client().post(url(&emulator, "/a%20b")).send_form([("v", "1"), ("v", "two words")]).unwrap();
    assert_eq!(text(response, &emulator), "POST /a b 1,two words\n");
    let no_redirects = ureq::Agent::config_builder().proxy(None).max_redirects(0).http_status_as_error(false).build();
    let agent: ureq::Agent = no_redirects.into();
    let response = agent.get(url(&emulator, "/?to=https%3A%2F%2Fexample.org%2F")).call().unwrap();
    assert_eq!((response.status().as_u16(), header(&response, "location")), (302, "https://example.org/"));
    let cookies: Vec<_> =
        response.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(cookies, ["a=1; path=/", "b=2; path=/"]);
}

#[test]
fn imagemagick_s_image_arrives_byte_by_byte() {
    // Not what the PATH may have of that name.
    let convert = "/usr/bin/convert";
    need(convert);
    let script = format!(
        "#!/usr/bin/env bash\nprintf 'Content-Type: image/png\\n\\n'\nexec {convert} -size 64x48 \"xc:#$QUERY_STRING\" -strip png:-\n"
    );
    let emulator = site("image", &[("image", &script)], &[]);
    let mut response = client().get(url(&emulator, "/?ff8800")).call().unwrap();
    assert_eq!(header(&response, "content-type"), "image/png");
    let image = response.body_mut().read_to_vec().unwrap();
    let folder = Folder::new();
    folder.write("image.png", &image, 0o644);
    let format = ["-format", "%wx%h %[pixel:p{5,5}]", "info:"];
    let told = output(Command::new(convert).arg("image.png").args(format).current_dir(folder.path()));
    assert!(told.starts_with("64x48 ") && told.contains("255,136,0"), "{told}");
}

/// What a program prints that must go well.
#[track_caller]
fn output(command: &mut Command) -> String {
    let child = spawn(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()));
    let output = child.wait_with_output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{stdout}\n{stderr}", output.status);
    stdout.trim().to_owned()
}

/// `git` in a folder, without anybody's settings.
fn git(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(git_program());
    command.args(arguments).current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("GIT_TERMINAL_PROMPT", "0").env("NO_PROXY", "*").env_remove("GIT_DIR");
    for variable in ["GIT_AUTHOR", "GIT_COMMITTER"] {
        command.env(format!("{variable}_NAME"), "Ada").env(format!("{variable}_EMAIL"), "ada@example.org");
    }
    command
}

fn git_program() -> PathBuf {
    need("/usr/bin/git")
}

/// This very repository, bare; where the sources came without one, a repository of them.
fn this_repository(folder: &Path) {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
    if sources.join(".git").exists() {
        output(&mut git(
            folder,
            &["-c", "safe.directory=*", "clone", "--bare", "--quiet", sources.to_str().unwrap(), "this.git"],
        ));
        return;
    }
    let work = folder.join("work");
    std::fs::create_dir(&work).unwrap();
    output(Command::new("cp").args(["-r", "src", "tests", "Cargo.toml"]).arg(&work).current_dir(sources));
    output(&mut git(&work, &["init", "--quiet"]));
    output(&mut git(&work, &["add", "."]));
    output(&mut git(&work, &["commit", "--quiet", "-m", "All of it"]));
    output(&mut git(folder, &["clone", "--bare", "--quiet", "work", "this.git"]));
}

/// git's own server over HTTP, with this repository.
fn git_site(environment: &[(&str, &str)]) -> (Emulator, String) {
    let folder = Folder::new();
    this_repository(folder.path());
    let bare = folder.path().join("this.git");
    let commit = output(&mut git(&bare, &["rev-parse", "HEAD"]));
    output(&mut git(&bare, &["config", "http.receivepack", "true"]));
    let script = format!("#!/bin/sh\nexec {} http-backend\n", git_program().display());
    folder.write("backend", script.as_bytes(), 0o755);
    let own = [("GIT_PROJECT_ROOT", "$ROOT"), ("GIT_HTTP_EXPORT_ALL", "1")];
    let all: Vec<_> = own.iter().chain(environment).copied().collect();
    (serve(folder, "backend", &all), commit)
}

#[test]
fn git_clones_this_repository_and_pushes_to_it() {
    for streaming in ["streaming", "buffered"] {
        let (emulator, commit) = git_site(&[("HANDLER_RESPONSE", streaming)]);
        let folder = Folder::new();
        let from = url(&emulator, "/this.git");
        output(&mut git(folder.path(), &["clone", "--quiet", &from, "copy"]));
        let copy = folder.path().join("copy");
        assert_eq!(output(&mut git(&copy, &["rev-parse", "HEAD"])), commit, "{streaming}");
        output(&mut git(&copy, &["fsck", "--no-progress"]));
        // And back, with bytes that no pack makes much smaller.
        let bytes: Vec<u8> = (0..300_000_u64).map(|n| (n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8).collect();
        std::fs::write(copy.join("new"), bytes).unwrap();
        output(&mut git(&copy, &["add", "new"]));
        output(&mut git(&copy, &["commit", "--quiet", "-m", "New"]));
        output(&mut git(&copy, &["push", "--quiet", "origin", "HEAD:refs/heads/pushed"]));
        let pushed = output(&mut git(&copy, &["rev-parse", "HEAD"]));
        let there = output(&mut git(&copy, &["ls-remote", &from, "refs/heads/pushed"]));
        assert!(there.starts_with(&pushed), "{there}: {pushed}");
    }
}

//! The program, as a client in another language meets it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};

struct Program {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_octoseal-mock"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program");
        Self {
            input: process.stdin.take(),
            output: BufReader::new(process.stdout.take().expect("a pipe")),
            process,
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    /// The value of a variable that is printed next.
    fn value(&mut self, name: &str) -> String {
        let line = self.line();
        let value = line
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('='));
        value
            .unwrap_or_else(|| panic!("{line:?} has no {name}"))
            .to_owned()
    }

    fn ask(&mut self, command: &str) -> String {
        let input = self.input.as_mut().expect("a pipe");
        writeln!(input, "{command}").expect("a reader");
        self.line()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The status of a GET.
fn get(url: &str, token: &str, path: &str) -> String {
    let host = url.strip_prefix("http://").expect("plain http");
    let (host, prefix) = host.split_once('/').unwrap_or((host, ""));
    let prefix = if prefix.is_empty() {
        String::new()
    } else {
        format!("/{prefix}")
    };
    let mut stream = TcpStream::connect(host).expect("a server");
    write!(
        stream,
        "GET {prefix}{path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: test\r\nauthorization: Bearer {token}\r\n\
         connection: close\r\n\r\n"
    )
    .expect("a reader");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("a reply");
    reply.split(' ').nth(1).expect("a status").to_owned()
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_octoseal-mock"))
        .args(arguments)
        .output()
        .expect("the program")
}

#[test]
fn it_prints_address_and_token_and_serves_what_the_flags_say() {
    let mut program = Program::start(&["--repository", "acme/api", "--token", "t0ken"]);
    let (url, token) = (
        program.value("GITHUB_API_URL"),
        program.value("GITHUB_TOKEN"),
    );
    assert_eq!(token, "t0ken");
    assert_eq!(get(&url, &token, "/repos/acme/api"), "200");
    assert_eq!(get(&url, "another", "/repos/acme/api"), "401");
}

#[test]
fn it_takes_commands_from_its_input_while_it_serves_and_ends_with_it() {
    let mut program = Program::start(&["--interactive"]);
    let (url, token) = (
        program.value("GITHUB_API_URL"),
        program.value("GITHUB_TOKEN"),
    );
    assert_eq!(get(&url, &token, "/orgs/acme/actions/secrets/KEY"), "404");
    assert_eq!(program.ask("secret actions:org/acme KEY v"), "ok");
    assert_eq!(program.ask("fault unicorn"), "ok");
    assert_eq!(get(&url, &token, "/orgs/acme/actions/secrets/KEY"), "502");
    assert_eq!(get(&url, &token, "/orgs/acme/actions/secrets/KEY"), "200");
    assert_eq!(program.ask("plaintext actions:org/acme KEY"), "76");
    assert!(program.ask("fly").starts_with("error: fly: "));
    drop(program.input.take());
    assert!(program.process.wait().expect("an end").success());
}

#[test]
fn flags_can_come_from_a_file() {
    let folder = std::env::temp_dir().join(format!("octoseal-mock-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("flags");
    let text =
        "# A server of one's own.\nenterprise 3.19.0\n\nrepository acme/api\ntoken from-file\n";
    std::fs::write(&file, text).expect("a file");
    let mut program = Program::start(&["--file", file.to_str().expect("text")]);
    let (url, token) = (
        program.value("GITHUB_API_URL"),
        program.value("GITHUB_TOKEN"),
    );
    std::fs::remove_dir_all(&folder).expect("the folder");
    assert!(url.ends_with("/api/v3"), "{url}");
    assert_eq!(token, "from-file");
    assert_eq!(get(&url, &token, "/repos/acme/api"), "200");
}

#[test]
fn help_lists_the_commands() {
    let help = run(&["--help"]);
    assert!(help.status.success());
    let text = String::from_utf8(help.stdout).expect("text");
    for word in [
        "--port",
        "--file",
        "--interactive",
        "repository OWNER/NAME",
        "fault FAULT",
    ] {
        assert!(text.contains(word), "{word}");
    }
}

#[test]
fn a_mistake_on_the_command_line_ends_it_with_the_reason() {
    for (arguments, why) in [
        (&["repository"][..], "is not a flag"),
        (&["--repository"], "needs a value"),
        (&["--repository", "acme"], "is not OWNER/NAME"),
        (&["--port", "many"], "is not a port"),
        (&["--file", "/nowhere"], "cannot read /nowhere"),
        (&["--fly", "high"], "no such command"),
    ] {
        let failed = run(arguments);
        assert_eq!(failed.status.code(), Some(2), "{arguments:?}");
        let text = String::from_utf8(failed.stderr).expect("text");
        assert!(
            text.contains(why) && failed.stdout.is_empty(),
            "{arguments:?}: {text}"
        );
    }
}

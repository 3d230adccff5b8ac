//! The stand-in GitHub on a port, for clients in any language.

use std::error::Error;
use std::io::{BufRead as _, Write as _, stdin, stdout};
use std::process::ExitCode;

use octoseal_mock::{COMMANDS, GitHub};

const HELP: &str = "\
A stand-in GitHub on a port of this machine, for clients in any language.

    octoseal-mock [--FLAG VALUE]...

It prints the address and the token to use, as GITHUB_API_URL and GITHUB_TOKEN, and serves until it is stopped.

    --port NUMBER                  the port on 127.0.0.1; unless given, one that is free
    --enterprise VERSION           be an Enterprise Server, such as 3.19.0
    --file PATH                    take flags from a file: one a line, without the dashes, # for comments
    --interactive                  read commands from the input, answer each by a line, and end with the input
    --help                         print this

Every command is a flag, a line of a file, or a line of the input: --repository acme/api.

";

/// The token to use while any is accepted.
const ANY_TOKEN: &str = "octoseal-mock";

type Failure = Box<dyn Error>;

/// What the command line says.
#[derive(Default)]
struct Options {
    port: u16,
    enterprise: Option<String>,
    interactive: bool,
    help: bool,
    token: Option<String>,
    commands: Vec<String>,
}

impl Options {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self::default();
        while let Some(word) = words.next() {
            let Some(flag) = word.strip_prefix("--") else {
                return Err(format!("{word:?} is not a flag: see --help").into());
            };
            match flag {
                "help" => options.help = true,
                "interactive" => options.interactive = true,
                _ => {
                    let value = words.next();
                    let value =
                        value.ok_or_else(|| format!("--{flag} needs a value: see --help"))?;
                    options.set(flag, &value)?;
                }
            }
        }
        Ok(options)
    }

    fn set(&mut self, flag: &str, value: &str) -> Result<(), Failure> {
        match flag {
            "port" => {
                let refused = |_| format!("{value:?} is not a port");
                self.port = value.parse().map_err(refused)?;
            }
            "enterprise" => self.enterprise = Some(value.to_owned()),
            "file" => self.read_file(value)?,
            _ => {
                if flag == "token" {
                    let token = value.split_whitespace().next();
                    self.token = self.token.take().or(token.map(str::to_owned));
                }
                self.commands.push(format!("{flag} {value}"));
            }
        }
        Ok(())
    }

    fn read_file(&mut self, path: &str) -> Result<(), Failure> {
        let text =
            std::fs::read_to_string(path).map_err(|why| format!("cannot read {path}: {why}"))?;
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (flag, value) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            self.set(flag, value.trim_start())?;
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("octoseal-mock: {failure}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<(), Failure> {
    let options = Options::read(std::env::args().skip(1))?;
    if options.help {
        print!("{HELP}{COMMANDS}");
        return Ok(());
    }
    let github = match &options.enterprise {
        Some(version) => GitHub::enterprise(version),
        None => GitHub::new(),
    };
    for command in &options.commands {
        github.run(command)?;
    }
    let server = github.serve_on(options.port)?;
    let prefix = options.enterprise.map_or("", |_| "/api/v3");
    println!("GITHUB_API_URL={}{prefix}", server.url());
    println!(
        "GITHUB_TOKEN={}",
        options.token.as_deref().unwrap_or(ANY_TOKEN)
    );
    stdout().flush()?;
    if !options.interactive {
        loop {
            std::thread::park();
        }
    }
    for line in stdin().lock().lines() {
        match github.run(&line?) {
            Ok(answer) => println!("{answer}"),
            Err(why) => println!("error: {why}"),
        }
        stdout().flush()?;
    }
    Ok(())
}

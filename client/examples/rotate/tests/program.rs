//! The program, with a configuration, an issuer that is a script, and a server.

use std::process::Command;

use clap::error::ErrorKind;

use super::*;

/// An issuer of numbered credentials that allows two. `LIST` and `PRINT` stand for commands of the test.
const SCRIPT: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 9
case $1 in
list) LIST ;;
issue)
    [ "$(wc -l < ids)" -lt 2 ] || { echo "two are enough" >&2; exit 4; }
    n=$(($(cat last) + 1))
    echo $n > last
    echo $n >> ids
    PRINT ;;
revoke)
    echo "$2" >> revoked
    grep -vx "$2" ids > left
    mv left ids ;;
esac
"#;

/// A folder with an issuer, a token and a configuration.
struct Program {
    place: Place,
    stand_in: GitHub,
}

impl Program {
    fn new(list: &str, print: &str) -> Self {
        let (stand_in, _) = stand_in().unwrap();
        let program = Self {
            place: Place::new("program"),
            stand_in,
        };
        program.script(list, print);
        program.write("ids", "1\n");
        program.write("last", "1\n");
        program.write("revoked", "");
        program.write("token", "a-token");
        let issuer = program.path("issuer.sh");
        program.write(
            "rotation.json",
            &format!(r#"{{"name": "DEPLOY_KEY", "scopes": {{"{ORG}": "keep", "{DEPENDABOT}": "keep"}}, "issuer": {issuer:?}}}"#),
        );
        program
    }

    /// Written by another process: one that is forked by another test meanwhile would hold it open for writing, and
    /// it could not be run.
    fn script(&self, list: &str, print: &str) {
        let script = SCRIPT.replace("LIST", list).replace("PRINT", print);
        let write = r#"printf %s "$1" > "$2" && chmod +x "$2""#;
        let path = self.path("issuer.sh");
        let status = Command::new("sh")
            .args(["-c", write, "sh", &script])
            .arg(path)
            .status();
        assert!(status.unwrap().success());
    }

    fn path(&self, file: &str) -> PathBuf {
        self.place.0.join(file)
    }

    fn write(&self, file: &str, content: &str) {
        std::fs::write(self.path(file), content).unwrap();
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path(file)).unwrap()
    }

    async fn run(&self) -> Result<(), String> {
        let server = self.stand_in.serve();
        let (url, token) = (server.url(), self.path("token"));
        let config = self.path("rotation.json");
        let given = [
            "rotate",
            "--api-url",
            &url,
            "--token-file",
            token.to_str().unwrap(),
            config.to_str().unwrap(),
        ];
        let arguments = Arguments::try_parse_from(given).unwrap();
        let done = run(&arguments.connection, &arguments.config.unwrap()).await;
        done.map_err(|error| error.to_string())
    }

    /// The values in the stores.
    fn stored(&self) -> [Vec<u8>; 2] {
        [ORG, DEPENDABOT].map(|scope| self.stand_in.plaintext(scope, "DEPLOY_KEY").unwrap())
    }
}

#[tokio::test]
async fn a_value_of_one_line_loses_its_line_break_and_one_of_several_is_stored_as_it_is() {
    for (print, value) in [
        ("echo $n; echo s3cret", &b"s3cret"[..]),
        ("echo $n; printf s3cret", b"s3cret"),
        ("printf '\\357\\273\\277'; echo $n; echo s3cret", b"s3cret"),
        ("printf '%s\\r\\n' $n 's3cret '", b"s3cret "),
        ("echo \" $n \"; printf '%s\\n\\n' s3cret", b"s3cret"),
        ("echo $n; printf 'two\\nlines\\n'", b"two\nlines\n"),
        ("echo $n; printf '\\377\\000'", b"\xff\0"),
    ] {
        let program = Program::new("cat ids", print);
        program.run().await.unwrap();
        assert_eq!(program.stored(), [value, value], "{print}");
        assert_eq!(
            (program.read("ids"), program.read("revoked")),
            ("2\n".into(), "1\n".into()),
            "{print}"
        );
    }
}

#[tokio::test]
async fn an_empty_value_is_neither_stored_nor_does_it_cost_the_old_credential() {
    for print in [
        "echo $n",
        "printf $n",
        "echo $n; echo",
        "echo $n; printf '\\r\\n'",
        "echo $n; echo; echo s3cret",
    ] {
        let program = Program::new("cat ids", print);
        for _ in 0..2 {
            let error = program.run().await.unwrap_err();
            assert!(error.contains("nothing was stored"), "{error}");
            assert_eq!(
                program.stored(),
                [b"credential 1", b"credential 1"],
                "{print}"
            );
            assert_eq!(program.read("ids"), "1\n", "the new ones are revoked");
        }
        program.script("cat ids", "echo $n; echo mended");
        program.run().await.unwrap();
        assert_eq!(program.stored(), [b"mended", b"mended"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_printed_before_the_id_stops_the_rotation() {
    for print in [
        "echo Making one; echo $n; echo s3cret",
        "echo; echo $n; echo s3cret",
        "echo s3cret; echo $n",
        "true",
    ] {
        let program = Program::new("cat ids", print);
        let client = Client::builder()
            .token("a-token")
            .transport(program.stand_in.clone())
            .build()
            .unwrap();
        let config = Config::parse(program.read("rotation.json").as_bytes()).unwrap();
        // In process, with a paused clock, since the list is asked for during half a minute.
        let issuer = crate::Program(config.issuer.clone());
        let rotated = rotate(&client, &config, &issuer, program.place.state()).await;
        let error = rotated.unwrap_err().to_string();
        assert!(
            error.ends_with("revoke by hand what it has made: 2"),
            "{error}"
        );
        assert_eq!(
            program.stored(),
            [b"credential 1", b"credential 1"],
            "{print}"
        );
        assert_eq!(
            (program.read("ids"), program.read("revoked")),
            ("1\n2\n".into(), "".into())
        );
    }
}

#[tokio::test]
async fn blank_lines_of_a_list_are_no_credentials_and_words_are_none_either() {
    for list in [
        "echo; cat ids; echo",
        "sed 's/$/\\r/' ids",
        "sed 's/^/  /' ids; echo ' '",
        "printf '\\357\\273\\277'; cat ids",
    ] {
        let program = Program::new(list, "echo $n; echo s3cret");
        program.run().await.unwrap();
        assert_eq!(
            (program.read("ids"), program.read("revoked")),
            ("2\n".into(), "1\n".into()),
            "{list}"
        );
    }
    for list in ["echo All of them:; cat ids", "printf '\\377\\n'"] {
        let program = Program::new(list, "echo $n; echo s3cret");
        program.run().await.unwrap_err();
        assert_eq!(
            (program.read("ids"), program.read("last")),
            ("1\n".into(), "1\n".into()),
            "{list}"
        );
    }
}

#[tokio::test]
async fn a_store_that_failed_is_made_up_for_though_the_issuer_allows_no_third() {
    let program = Program::new("cat ids", "echo $n; echo s3cret-$n");
    program.stand_in.inject(refusal().times(3));
    for _ in 0..3 {
        let error = program.run().await.unwrap_err();
        assert!(
            error.starts_with("2 is not confirmed by dependabot:repo/acme/api"),
            "{error}"
        );
        assert_eq!(program.read("ids"), "1\n2\n");
    }
    program.run().await.unwrap();
    assert_eq!(program.stored(), [b"s3cret-2", b"s3cret-2"]);
    assert_eq!(program.read("ids"), "2\n");
}

#[tokio::test]
async fn a_configuration_is_read_without_its_byte_order_mark_and_refused_before_the_issuer_is_called()
 {
    let program = Program::new("cat ids", "echo $n; echo s3cret");
    let config = program.read("rotation.json");
    for (from, to) in [
        ("DEPLOY_KEY", "GITHUB_KEY"),
        ("keep", "public"),
        ("repo", "repos"),
        ("issuer\"", "issuers\""),
    ] {
        program.write("rotation.json", &config.replacen(from, to, 1));
        let error = program.run().await.unwrap_err();
        assert!(error.contains("rotation.json: "), "{error}");
    }
    let missing = config.replace("issuer.sh", "no-issuer.sh");
    program.write("rotation.json", &missing);
    assert!(
        program
            .run()
            .await
            .unwrap_err()
            .contains("no-issuer.sh list`: ")
    );
    assert_eq!(
        (program.read("last"), program.stand_in.request_count()),
        ("1\n".into(), 0)
    );
    program.write("rotation.json", &format!("\u{feff}{config}"));
    program.run().await.unwrap();
    assert_eq!(program.read("ids"), "2\n");
}

#[tokio::test]
async fn a_second_run_at_the_same_time_ends_before_it_begins() {
    let program = Program::new("cat ids", "echo $n; echo s3cret");
    let first = State::open(program.path("rotation.state.json")).unwrap();
    let error = program.run().await.unwrap_err();
    assert!(error.ends_with("another run is under way"), "{error}");
    assert_eq!(
        (program.read("last"), program.stand_in.request_count()),
        ("1\n".into(), 0)
    );
    drop(first);
    program.run().await.unwrap();
}

#[tokio::test]
async fn what_a_program_says_of_its_failure_is_its_status() {
    for (script, said) in [
        ("exit 3", "list`: exit status: 3"),
        ("kill -9 $$", "list`: signal: 9"),
    ] {
        let program = Program::new(script, "true");
        let error = program.run().await.unwrap_err();
        assert!(error.contains(said), "{error}");
    }
}

#[test]
fn options_without_a_configuration_are_no_journey() {
    for options in [
        &["--host", "github.com"][..],
        &["--token-file", "token"],
        &["--proxy-from-env"],
    ] {
        let refused = Arguments::try_parse_from(["rotate"].iter().chain(options))
            .err()
            .unwrap();
        assert_eq!(
            refused.kind(),
            ErrorKind::MissingRequiredArgument,
            "{options:?}"
        );
    }
}

#[tokio::test]
async fn without_a_configuration_the_journey_ends_well() {
    journey().await.unwrap();
}

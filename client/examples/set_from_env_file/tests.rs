//! The program, over sockets.

use octoseal::Access;
use octoseal_mock::{Fault, GitHub};

use super::*;

mod model;
mod samples;

const ACME: &str = "actions:org/acme";

/// A file and a token file in a folder that is removed on drop.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str, env: &[u8]) -> Self {
        let name = format!("octoseal-env-file-{}-{test}", std::process::id());
        let folder = Self(std::env::temp_dir().join(name));
        std::fs::create_dir_all(&folder.0).unwrap();
        std::fs::write(folder.file(), env).unwrap();
        std::fs::write(folder.token(), "a-token").unwrap();
        folder
    }

    fn file(&self) -> PathBuf {
        self.0.join(".env")
    }

    fn token(&self) -> PathBuf {
        self.0.join("token")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn stand_in() -> GitHub {
    let stand_in = GitHub::new();
    stand_in.add_organization("acme");
    stand_in
}

fn arguments(more: &[&str]) -> Arguments {
    let given = ["set_from_env_file", "--org", "acme", ".env"];
    Arguments::try_parse_from(given.iter().chain(more)).unwrap()
}

/// Runs the program over a socket, and gives its exit code and its complaints.
async fn store(test: &str, stand_in: &GitHub, env: &str, more: &[&str]) -> (bool, Vec<String>) {
    store_bytes(test, stand_in, env.as_bytes(), more).await
}

async fn store_bytes(
    test: &str,
    stand_in: &GitHub,
    env: &[u8],
    more: &[&str],
) -> (bool, Vec<String>) {
    let folder = Folder::new(test, env);
    let server = stand_in.serve();
    let (url, token) = (server.url(), folder.token());
    let connection = ["--api-url", &url, "--token-file", token.to_str().unwrap()];
    let mut arguments = arguments(&[more, &connection].concat());
    arguments.file = folder.file();
    let mut lines = Vec::new();
    let ended = status(arguments, |line| lines.push(line)).await;
    assert!(ended == ExitCode::SUCCESS || ended == ExitCode::FAILURE);
    (ended == ExitCode::SUCCESS, lines)
}

#[tokio::test]
async fn it_ends_well_once_every_secret_is_stored() {
    let stand_in = stand_in();
    let env = "# all of them\nA=one\nexport B=\"two words\"\n\nC='three\nlines\n'\n";
    let (well, lines) = store("well", &stand_in, env, &["--visibility", "private"]).await;
    assert!(well, "{lines:?}");
    assert_eq!(lines, [""; 0]);
    for (name, value) in [("A", "one"), ("B", "two words"), ("C", "three\nlines\n")] {
        let secret = stand_in.secret(ACME, name).unwrap();
        assert_eq!(secret.value, value.as_bytes());
        assert_eq!(secret.visibility.as_deref(), Some("private"));
    }
}

#[tokio::test]
async fn each_secret_that_fails_gets_one_line_and_the_others_are_stored() {
    let stand_in = stand_in();
    let refusal = Fault::reply(422, "{\"message\":\"Invalid request.\\n\\nNo.\"}");
    for name in ["/secrets/B", "/secrets/C"] {
        stand_in.inject(refusal.clone().at(name).on("PUT").always());
    }
    let env = "A=one\nB=two\nC=three\nD=four\n";
    let (well, mut lines) = store("fails", &stand_in, env, &["--visibility", "all"]).await;
    assert!(!well);
    lines.sort();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("B: "), "{lines:?}");
    assert!(lines[1].starts_with("C: "), "{lines:?}");
    assert!(
        lines.iter().all(|line| line.lines().count() == 1),
        "{lines:?}"
    );
    let stored: Vec<String> = stand_in
        .secrets(ACME)
        .into_iter()
        .map(|secret| secret.name)
        .collect();
    assert_eq!(stored, ["A", "D"]);
}

#[tokio::test]
async fn a_new_secret_without_access_fails_and_an_old_one_keeps_its() {
    let stand_in = stand_in();
    let api = stand_in.add_repository("acme", "api");
    stand_in.seed(ACME, "OLD", "value").selected([api]);
    let (well, lines) = store("keep", &stand_in, "OLD=new\nNEW=new\n", &[]).await;
    assert!(!well);
    assert!(
        lines.len() == 1 && lines[0].starts_with("NEW: "),
        "{lines:?}"
    );
    let old = stand_in.secret(ACME, "OLD").unwrap();
    assert_eq!(old.value, b"new");
    assert_eq!(old.selected_repository_ids, [api].into());
}

#[tokio::test]
async fn a_file_that_cannot_be_read_stores_nothing_names_the_line_and_shows_no_value() {
    let stand_in = stand_in();
    let env = "A=one\n# a comment\n\nB c4nary\n";
    let (well, lines) = store("line", &stand_in, env, &["--visibility", "all"]).await;
    assert!(!well);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains(" 4: "), "{lines:?}");
    assert!(!lines[0].contains("c4nary"), "{lines:?}");
    assert_eq!(stand_in.request_count(), 0);
}

#[test]
fn repositories_go_with_selected_and_are_named_by_it() {
    let access = |more: &[&str]| {
        arguments(more)
            .access
            .access()
            .map_err(|error| error.to_string())
    };
    let both = || Ok(Access::Selected(vec![1.into(), 2.into()]));
    assert_eq!(access(&[]), Ok(Access::Keep));
    assert_eq!(access(&["--visibility", "all"]), Ok(Access::All));
    assert_eq!(access(&["--visibility", "private"]), Ok(Access::Private));
    assert_eq!(access(&["--repo-id", "1", "--repo-id", "2"]), both());
    let said = ["--visibility", "selected", "--repo-id", "1", "--repo", "2"];
    assert_eq!(access(&said), both());
    assert_eq!(access(&["--visibility", "selected:1,2"]), both());
    assert_eq!(
        access(&["--visibility", "selected:"]),
        Ok(Access::Selected(vec![]))
    );
    for other in ["all", "private", "keep", "selected:", "selected:3"] {
        let said = ["--visibility", other, "--repo-id", "1"];
        assert!(
            access(&said).unwrap_err().contains("--repo goes with"),
            "{other}"
        );
    }
    assert!(access(&["--visibility", "selected"]).is_err());
    let given = ["x", "--org", "acme", ".env", "--repo-id", "neither"];
    assert!(Arguments::try_parse_from(given).is_err());
}

#[test]
fn what_is_left_is_told_in_seconds_and_then_in_minutes() {
    let told = |seconds| in_words(Duration::from_secs(seconds));
    assert_eq!(told(0), "");
    assert_eq!(told(59), "59 s to go or more");
    assert_eq!(told(3_333), "55 min to go or more");
}

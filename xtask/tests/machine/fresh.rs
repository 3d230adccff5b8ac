//! The generated files are what the machine makes of the fragment, in every `cargo test`.

use crate::support::{Workshop, fragment, here, wanted};
use xtask::codegen::{COMMAND, run};
use xtask::repairs::Idle;
use xtask::tree::{CLIENT, FRAGMENT, HTTPMOCK, Mode, README, STORES};
use xtask::vendor::{self, Options};

#[test]
fn generated_code_is_what_the_fragment_generates() {
    if let Err(error) = run(&here(), Mode::Check(COMMAND), Idle::Refuse) {
        panic!("{error:#}");
    }
}

#[test]
fn one_byte_of_what_is_generated_makes_it_stale_and_the_message_names_the_command() {
    for (file, old, new) in [
        (CLIENT, "pub struct Client", "pub  struct Client"),
        (STORES, "`actions`", "`Actions`"),
        (HTTPMOCK, "regex::escape", "regex:: escape"),
        (README, "`codespaces:user` (9)", "`codespaces:user` (8)"),
    ] {
        let workshop = Workshop::new();
        workshop.edit(file, old, new);
        let error = run(&workshop.tree, Mode::Check(COMMAND), Idle::Refuse).unwrap_err();
        let message = format!("{error:#}");
        assert!(message.contains(file), "{message}");
        assert!(message.contains("`cargo xtask codegen`"), "{message}");
        run(&workshop.tree, Mode::Write, Idle::Refuse).unwrap();
        run(&workshop.tree, Mode::Check(COMMAND), Idle::Refuse).unwrap();
    }
}

#[test]
fn a_fragment_that_cannot_be_generated_leaves_the_code_as_it_was() {
    let workshop = Workshop::new();
    let place = |kind| format!("\"variables-per-page\": {{\n        \"in\": \"{kind}\"");
    workshop.edit(FRAGMENT, &place("query"), &place("cookie"));
    let before = workshop.snapshot();
    let error = run(&workshop.tree, Mode::Write, Idle::Allow).unwrap_err();
    let message = format!("{error:#}");
    assert!(
        message.contains("list-org-variables`") && message.contains("its parameter `per_page` is"),
        "it names the operations: {message}"
    );
    assert!(message.contains("is a cookie"), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
    assert_eq!(workshop.snapshot(), before);
}

#[test]
fn the_order_of_keys_in_the_description_does_not_reach_the_generated_code() {
    fn reversed(value: &serde_json::Value) -> String {
        match value {
            serde_json::Value::Object(object) => {
                let members: Vec<_> = object
                    .iter()
                    .rev()
                    .map(|(key, value)| format!("{}:{}", serde_json::json!(key), reversed(value)))
                    .collect();
                format!("{{{}}}", members.join(","))
            }
            serde_json::Value::Array(items) => {
                let items: Vec<_> = items.iter().map(reversed).collect();
                format!("[{}]", items.join(","))
            }
            scalar => scalar.to_string(),
        }
    }
    let workshop = Workshop::new();
    let before = workshop.snapshot();
    workshop.file(FRAGMENT, reversed(&fragment()));
    run(&workshop.tree, Mode::Check(COMMAND), Idle::Refuse).unwrap();
    let from = workshop.file("reversed.json", workshop.tree.read(FRAGMENT).unwrap());
    let options = Options {
        wanted: wanted(from, "0.0.0"),
        ..Options::default()
    };
    vendor::run(&workshop.tree, &options).unwrap();
    assert_eq!(workshop.snapshot()[FRAGMENT], before[FRAGMENT]);
}

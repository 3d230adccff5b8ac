//! Checks before a new credential is made.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_can_be_asked_of_the_stores_is_asked_before_there_is_a_new_credential() {
    let faults = [
        Fault::reply(404, r#"{"message": "Not Found"}"#).at("/dependabot/"),
        Fault::reply(
            403,
            r#"{"message": "Resource not accessible by integration"}"#,
        )
        .at("/environments/"),
        Fault::reply(401, r#"{"message": "Bad credentials"}"#),
        Fault::public_key("1", "AAAA"),
        Fault::reply(404, r#"{"message": "Not Found"}"#)
            .at("/orgs/acme/actions/secrets/DEPLOY_KEY"),
        Fault::reply(404, r#"{"message": "Not Found"}"#).at("/repositories"),
    ];
    for fault in faults {
        let world = World::new("asked");
        world
            .stand_in
            .seed(ORG, "DEPLOY_KEY", "credential 1")
            .selected([]);
        world.stand_in.inject(fault.always());
        let error = world.error().await;
        assert!(error.starts_with("nothing was begun: "), "{error}");
        assert_eq!((world.issuer.ids(), world.puts()), (vec![1], 0), "{error}");
        assert!(world.stand_in.pending_faults().is_empty(), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn all_stores_that_refuse_are_named_at_once_and_a_refused_token_is_not_sent_on() {
    let mut world = World::new("all");
    for repository in 0..40 {
        world.configure(&format!("actions:repo/acme/none-{repository}"), "keep");
    }
    let error = world.error().await;
    assert_eq!(
        error.matches("actions:repo/acme/none-").count() / 2,
        40,
        "{error}"
    );
    world.stand_in.clear_requests();
    world.stand_in.revoke("a-token");
    let error = world.error().await;
    assert!(error.contains("401"), "{error}");
    assert!(
        world.stand_in.request_count() <= 11,
        "{}",
        world.stand_in.request_count()
    );
    assert_eq!(world.issuer.ids(), [1]);
}

#[tokio::test(start_paused = true)]
async fn repositories_that_are_not_there_and_access_that_is_not_are_found_before_there_is_a_new_credential()
 {
    let mut world = World::new("repositories");
    for (access, named) in [
        ("selected:acme/none,acme/api", "\"acme/none\""),
        ("keep", "does not exist yet"),
    ] {
        world.configure("dependabot:org/acme", access);
        let error = world.error().await;
        assert!(
            error.starts_with("nothing was begun: dependabot:org/acme: "),
            "{error}"
        );
        assert!(error.contains(named), "{error}");
        assert_eq!((world.issuer.ids(), world.puts()), (vec![1], 0), "{error}");
    }
}

#[test]
fn a_configuration_that_cannot_be_is_refused_and_names_what() {
    let config = |name: &str, scopes: &str, more: &str| {
        let text = format!(
            r#"{{"name": "{name}", "scopes": {{{scopes}}}, "issuer": "./issuer.sh"{more}}}"#
        );
        Config::parse(text.as_bytes()).map_err(|error| error.to_string())
    };
    let user = r#""codespaces:user": "selected:acme/api", "actions:env/acme/api/a%2Fb": "keep""#;
    assert_eq!(
        config("A", user, r#", "state": "here""#)
            .unwrap()
            .scopes
            .len(),
        2
    );
    let keep = r#""actions:org/acme": "keep""#;
    for (name, scopes, more, named) in [
        ("A", r#""dependabot:user": "keep""#, "", "dependabot"),
        ("A", r#""actions:org/acme": "public""#, "", "public"),
        ("A", r#""actions:repo/acme/api": "private""#, "", "private"),
        (
            "A",
            r#""actions:env/acme/api/prod": "selected:1""#,
            "",
            "selected:1",
        ),
        ("A", r#""codespaces:user": "all""#, "", "all"),
        (
            "A",
            r#""actions:org/acme": "keep", "actions:org/acme": "all""#,
            "",
            "actions:org/acme is there twice",
        ),
        (
            "A",
            r#""actions:repo/acme/api": "keep", "actions:repo/ACME/Api": "keep""#,
            "",
            "actions:repo/ACME/Api",
        ),
        (
            "A",
            r#""actions:env/a/b/x%2Fy": "keep", "actions:env/a/b/%78%2fY": "keep""#,
            "",
            "twice",
        ),
        ("A", "", "", "no scopes"),
        ("GITHUB_A", keep, "", "GITHUB_"),
        ("A-B", keep, "", "A-B"),
        ("", keep, "", "empty"),
        ("A", keep, r#", "scope": {}"#, "scope"),
        ("A", keep, r#", "acces": "keep""#, "acces"),
        ("A", keep, r#", "name": "B""#, "name"),
    ] {
        let message = config(name, scopes, more).err().unwrap();
        assert!(message.contains(named), "{scopes}{more}: {message}");
    }
    let text = format!(
        "\u{feff}{{\"name\": \"A\", \"scopes\": {{{keep}}}, \"issuer\": \"./issuer.sh\"}}\r\n"
    );
    assert!(Config::parse(text.as_bytes()).is_ok());
}

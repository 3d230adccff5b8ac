//! Changes between two runs.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_key_that_changes_in_between_costs_one_more_credential_or_a_revocation_by_hand() {
    for most in [3, 2] {
        let mut world = World::new("key");
        world.issuer = Fake::new(most);
        world.stand_in.inject(refusal());
        world.unconfirmed().await;
        world.stand_in.rotate_key(DEPENDABOT);
        if most == 2 {
            for _ in 0..2 {
                let error = world.error().await;
                let by_hand = "revoke 2, which then works no longer in actions:org/acme, actions:env/acme/api/prod until";
                assert!(
                    error.contains("allows 2") && error.contains(by_hand),
                    "{error}"
                );
                assert_eq!(
                    (world.issuer.ids(), world.stored()),
                    (vec![1, 2], vec![2, 1, 2])
                );
            }
            world.issuer.revoke("2").await.unwrap();
        }
        world.rotate().await.unwrap();
        assert_eq!(
            (world.issuer.ids(), world.stored()),
            (vec![3], vec![3, 3, 3])
        );
    }
}

#[tokio::test(start_paused = true)]
async fn scopes_may_come_into_the_configuration_and_leave_it_in_between() {
    let mut world = World::new("scopes");
    world.issuer = Fake::new(3);
    world.stand_in.inject(refusal());
    world.unconfirmed().await;
    world
        .stand_in
        .seed("actions:repo/acme/web", "DEPLOY_KEY", "credential 1");
    world.configure("actions:repo/acme/web", "keep");
    world.rotate().await.unwrap();
    assert_eq!((world.issuer.ids(), world.stored()), (vec![3], vec![3; 4]));

    world.stand_in.inject(refusal().always());
    world.unconfirmed().await;
    world
        .config
        .scopes
        .remove(&DEPENDABOT.parse::<Scope>().unwrap());
    world.rotate().await.unwrap();
    assert_eq!((world.issuer.ids(), world.stored()), (vec![4], vec![4; 3]));
}

#[tokio::test(start_paused = true)]
async fn a_new_credential_that_is_revoked_in_between_goes_into_no_other_store() {
    let world = World::new("revoked");
    world.stand_in.inject(refusal());
    world.unconfirmed().await;
    world.issuer.revoke("2").await.unwrap();
    world.rotate().await.unwrap();
    assert_eq!(
        (world.issuer.ids(), world.stored()),
        (vec![3], vec![3, 3, 3])
    );
}

#[tokio::test(start_paused = true)]
async fn a_state_that_cannot_be_written_or_is_not_of_this_secret_stops_before_there_is_a_new_credential()
 {
    let world = World::new("state");
    let other = r#"{"name": "OTHER"}"#;
    for (content, said) in [
        (Some(other), "is about OTHER"),
        (Some("{"), "EOF"),
        (None, "state.json"),
    ] {
        match content {
            Some(content) => std::fs::write(world.place.state(), content).unwrap(),
            None => {
                std::fs::remove_file(world.place.state()).unwrap();
                std::fs::create_dir(world.place.0.join("state.json.new")).unwrap();
            }
        }
        let error = world.error().await;
        assert!(
            error.contains(said) && error.contains("state.json"),
            "{error}"
        );
        assert_eq!((world.issuer.ids(), world.puts()), (vec![1], 0));
    }
}

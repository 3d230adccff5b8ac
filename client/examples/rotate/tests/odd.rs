//! Issuers whose output can't be used.

use super::*;

/// An issuer that gives, lists and revokes what a test says.
struct Odd<'a> {
    fake: &'a Fake,
    issue: fn(Credential) -> Result<Credential, BoxError>,
    list: fn(Vec<String>) -> Vec<String>,
    revoke: bool,
}

impl<'a> Odd<'a> {
    fn new(fake: &'a Fake) -> Self {
        Self {
            fake,
            issue: Ok,
            list: |ids| ids,
            revoke: true,
        }
    }
}

impl Issuer for Odd<'_> {
    async fn valid(&self) -> Result<Vec<String>, BoxError> {
        Ok((self.list)(self.fake.valid().await?))
    }
    async fn issue(&self) -> Result<Credential, BoxError> {
        (self.issue)(self.fake.issue().await?)
    }
    async fn revoke(&self, id: &str) -> Result<(), BoxError> {
        match self.revoke {
            true => self.fake.revoke(id).await,
            false => Err("the issuer is away".into()),
        }
    }
}

fn value(value: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(value.to_vec())
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_cannot_be_stored_is_revoked_and_the_old_one_stays_everywhere() {
    let world = World::new("odd-values");
    let issues: [fn(Credential) -> Result<Credential, BoxError>; 5] = [
        |made| {
            Ok(Credential {
                value: value(b""),
                ..made
            })
        },
        |made| {
            Ok(Credential {
                value: value(b" \n\t"),
                ..made
            })
        },
        |made| {
            Ok(Credential {
                value: value(b"\nx"),
                ..made
            })
        },
        |made| {
            Ok(Credential {
                value: value(b"\r\nx"),
                ..made
            })
        },
        |made| {
            Ok(Credential {
                value: value(&[b'x'; 49_153]),
                ..made
            })
        },
    ];
    for issue in issues {
        let issuer = Odd {
            issue,
            ..Odd::new(&world.issuer)
        };
        let error = world.rotate_with(&issuer).await.unwrap_err().to_string();
        assert!(
            error.contains("value") && error.contains("nothing was stored"),
            "{error}"
        );
        assert_eq!(
            (world.issuer.ids(), world.stored(), world.puts()),
            (vec![1], vec![1, 1, 1], 0)
        );
    }
    world.rotate().await.unwrap();
    assert_eq!(world.issuer.ids().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_id_of_a_new_credential_stores_nothing_and_is_not_shown() {
    let issues: [fn(Credential) -> Result<Credential, BoxError>; 4] = [
        |made| {
            Ok(Credential {
                id: "Making c4nary".to_owned(),
                ..made
            })
        },
        |made| {
            Ok(Credential {
                id: "c4nary".to_owned(),
                ..made
            })
        },
        |made| {
            Ok(Credential {
                id: String::new(),
                ..made
            })
        },
        |made| {
            Ok(Credential {
                id: "1".to_owned(),
                ..made
            })
        },
    ];
    for issue in issues {
        let world = World::new("odd-ids");
        let issuer = Odd {
            issue,
            ..Odd::new(&world.issuer)
        };
        let error = world.rotate_with(&issuer).await.unwrap_err().to_string();
        assert!(
            error.ends_with("revoke by hand what it has made: 2"),
            "{error}"
        );
        assert!(!error.contains("c4nary"), "{error}");
        let state = std::fs::read_to_string(world.place.state()).unwrap();
        assert!(!state.contains("c4nary"), "{state}");
        assert_eq!(
            (world.issuer.ids(), world.stored(), world.puts()),
            (vec![1, 2], vec![1, 1, 1], 0)
        );
        // The issuer is repaired and allows no third credential; the next run, too, names the one to revoke.
        let error = world.error().await;
        assert!(
            error.contains("revoke 2, made for a run that was stopped"),
            "{error}"
        );
        world.issuer.revoke("2").await.unwrap();
        world.rotate().await.unwrap();
        assert_eq!(
            (world.issuer.ids(), world.stored()),
            (vec![3], vec![3, 3, 3])
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_holds_what_is_no_id_stops_before_there_is_a_new_credential() {
    let world = World::new("odd-lists");
    let lists: [fn(Vec<String>) -> Vec<String>; 3] = [
        |ids| [ids, vec![String::new()]].concat(),
        |ids| [vec!["All credentials:".to_owned()], ids].concat(),
        |_| vec!["1\t2".to_owned()],
    ];
    for list in lists {
        let issuer = Odd {
            list,
            ..Odd::new(&world.issuer)
        };
        let error = world.rotate_with(&issuer).await.unwrap_err().to_string();
        assert!(error.contains("no id"), "{error}");
        assert_eq!(
            (world.issuer.ids(), world.stand_in.request_count()),
            (vec![1], 0)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_may_take_its_time_to_list_what_it_has_made_or_list_nothing_at_first() {
    struct Late<'a>(&'a Fake, Mutex<u32>, fn(u32) -> bool);
    impl Issuer for Late<'_> {
        async fn valid(&self) -> Result<Vec<String>, BoxError> {
            let (mut asked, ids) = (self.1.lock().unwrap(), self.0.ids());
            *asked += 1;
            let hidden = ids
                .iter()
                .filter(|&&id| id == 2 || *asked == 1)
                .map(u32::to_string);
            let hidden: Vec<String> = hidden.filter(|_| (self.2)(*asked)).collect();
            Ok(ids
                .iter()
                .map(u32::to_string)
                .filter(|id| !hidden.contains(id))
                .collect())
        }
        async fn issue(&self) -> Result<Credential, BoxError> {
            self.0.issue().await
        }
        async fn revoke(&self, id: &str) -> Result<(), BoxError> {
            self.0.revoke(id).await
        }
    }
    let late: [fn(u32) -> bool; 2] = [|asked| (2..6).contains(&asked), |asked| asked == 1];
    for late in late {
        let world = World::new("late");
        world
            .rotate_with(&Late(&world.issuer, Mutex::new(0), late))
            .await
            .unwrap();
        assert_eq!(
            (world.issuer.ids(), world.stored()),
            (vec![2], vec![2, 2, 2])
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_issuer_that_fails_leaves_all_as_it_was() {
    let world = World::new("issuer");
    let issuer = Odd {
        issue: |_| Err("the issuer is away".into()),
        ..Odd::new(&world.issuer)
    };
    let error = world.rotate_with(&issuer).await.unwrap_err().to_string();
    assert!(
        error.starts_with("the issuer is away; valid: 1;"),
        "{error}"
    );
    assert_eq!((world.stored(), world.puts()), (vec![1, 1, 1], 0));
}

#[tokio::test(start_paused = true)]
async fn a_revocation_that_fails_is_made_up_for_by_the_next_run() {
    let world = World::new("revocation");
    let issuer = Odd {
        revoke: false,
        ..Odd::new(&world.issuer)
    };
    let error = world.rotate_with(&issuer).await.unwrap_err().to_string();
    assert!(
        error.starts_with("every store has 2; not revoked: 1 (the issuer is away)"),
        "{error}"
    );
    assert_eq!(
        (world.issuer.ids(), world.stored()),
        (vec![1, 2], vec![2, 2, 2])
    );
    let puts = world.puts();
    world.rotate().await.unwrap();
    assert_eq!(
        (world.issuer.ids(), world.stored(), world.puts()),
        (vec![2], vec![2, 2, 2], puts)
    );
}

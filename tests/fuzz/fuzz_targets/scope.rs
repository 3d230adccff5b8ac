#![no_main]
//! Scope strings: what parses prints as something that parses to the same, and can't leave its path.

use libfuzzer_sys::fuzz_target;
use octoseal::Scope;

fuzz_target!(|text: &str| {
    let scope: Scope = match text.parse() {
        Ok(scope) => scope,
        Err(error) => return assert!(!error.to_string().contains(char::is_control), "{error:?}"),
    };
    let printed = scope.to_string();
    assert_eq!(
        printed.parse::<Scope>().ok().as_ref(),
        Some(&scope),
        "{printed}"
    );
    assert!(!printed.contains(char::is_control), "{printed:?}");
    for piece in [scope.owner(), scope.repository()].into_iter().flatten() {
        assert!(!matches!(piece, "" | "." | ".."), "{printed}");
        assert!(!piece.contains(['/', '\\', '?', '#', '%']), "{printed}");
    }
});

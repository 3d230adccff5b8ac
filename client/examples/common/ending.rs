//! How an example ends.

use std::process::ExitCode;

pub(crate) type Error = Box<dyn std::error::Error>;

/// How a program ends: as it says, or with one line that gives the error and what caused it.
pub(crate) fn status(done: Result<ExitCode, Error>, tell: impl FnOnce(String)) -> ExitCode {
    done.unwrap_or_else(|error| {
        let causes = std::iter::successors(Some(&*error as &dyn std::error::Error), |error| {
            error.source()
        });
        let causes: Vec<String> = causes.map(ToString::to_string).collect();
        tell(format!("error: {}", causes.join(": ")));
        ExitCode::FAILURE
    })
}

//! The end of an example.

use std::process::ExitCode;

pub(crate) type Error = Box<dyn std::error::Error>;

/// A program's exit code. Tells an error and its causes in one line.
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

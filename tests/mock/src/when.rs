//! Instants as GitHub writes them.

use std::time::{Duration, SystemTime};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// For the `Date` header: `Sun, 06 Nov 1994 08:49:37 GMT`.
pub(crate) fn http(since_epoch: Duration) -> String {
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + since_epoch)
}

/// For JSON: `1994-11-06T08:49:37Z`. The calendar is httpdate's; only the order of the pieces is ours.
pub(crate) fn iso(since_epoch: Duration) -> String {
    let date = http(since_epoch);
    let pieces: Vec<&str> = date.split(' ').collect();
    match pieces.as_slice() {
        [_, day, month, year, time, _] => {
            let month = 1 + MONTHS
                .iter()
                .position(|name| name == month)
                .unwrap_or_default();
            format!("{year}-{month:02}-{day}T{time}Z")
        }
        _ => date,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_reads_the_same_in_both_ways_of_writing() {
        let instant = Duration::from_secs(784_111_777);
        assert_eq!(http(instant), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(iso(instant), "1994-11-06T08:49:37Z");
    }
}

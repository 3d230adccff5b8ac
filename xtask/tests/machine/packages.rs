//! A package from the registry is right by its digest, or refused.

use std::io::Write as _;

use crate::support::fragment;
use xtask::description::source::Package;
use xtask::vendor::fetch::unpack;
use xtask::vendor::npm;

fn pinned() -> Package {
    let source = crate::support::source();
    Package {
        // A pin that came from a file has none.
        integrity: "sha512-pinned".to_owned(),
        ..source.package
    }
}

/// An archive as npm packs them, of one file.
fn archive(path: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o644);
    let mut tar = tar::Builder::new(Vec::new());
    tar.append_data(&mut header, format!("package/{path}"), bytes)
        .unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&tar.into_inner().unwrap()).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn an_archive_of_another_integrity_than_the_pinned_one_is_refused() {
    let package = archive(&pinned().file, fragment().to_string().as_bytes());
    let message = unpack(&package, &mut pinned(), false)
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("has the integrity sha512-") && message.contains(&pinned().integrity),
        "{message}"
    );
}

#[test]
fn a_pin_that_moves_takes_the_archives_integrity() {
    let bytes = fragment().to_string();
    let package = archive(&pinned().file, bytes.as_bytes());
    let mut moved = pinned();
    let (_, read) = unpack(&package, &mut moved, true).unwrap();
    assert_eq!(read, bytes.as_bytes());
    assert_eq!(moved.integrity, npm::integrity(&package));
    unpack(&package, &mut moved, false).unwrap();
}

#[test]
fn an_archive_that_is_cut_off_or_lacks_the_description_is_refused() {
    let whole = archive(&pinned().file, fragment().to_string().as_bytes());
    let cut = unpack(&whole[..whole.len() / 2], &mut pinned(), true).unwrap_err();
    assert!(format!("{cut:#}").contains("damaged"), "{cut:#}");
    let other = unpack(&archive("README.md", b"words"), &mut pinned(), true).unwrap_err();
    assert!(
        other
            .to_string()
            .contains("the package has no generated/api.github.com.json"),
        "{other}"
    );
    let noise = unpack(b"not an archive", &mut pinned(), true).unwrap_err();
    assert!(format!("{noise:#}").contains("damaged"), "{noise:#}");
}

#[test]
fn digests_are_written_as_the_registry_and_sha256sum_write_them() {
    assert_eq!(
        npm::integrity(b"abc"),
        "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw=="
    );
    assert_eq!(
        npm::sha256(b"abc"),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    );
}

//! Where the libraries come from.

/// Every package of the lock file but our own comes from the registry, with the checksum of its content.
#[test]
fn every_library_comes_from_the_registry_with_its_checksum() {
    const REGISTRY: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let lock = include_str!("../Cargo.lock");
    let packages: Vec<&str> = lock.split("[[package]]").skip(1).collect();
    assert!(packages.len() > 100);
    let elsewhere: Vec<&str> = packages
        .into_iter()
        .filter(|package| !package.contains("\nname = \"vouch"))
        .filter(|package| !(package.contains(REGISTRY) && package.contains("checksum = \"")))
        .collect();
    assert!(elsewhere.is_empty(), "{elsewhere:#?}");
}

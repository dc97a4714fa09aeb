//! What the program says without becoming a daemon.

use super::support::{BAD, GOOD, Place, ipmpd};

#[test]
fn help_fits_a_screen() {
    let help = ipmpd().arg("--help").output().unwrap();
    assert!(help.status.success());
    let help = String::from_utf8(help.stdout).unwrap();
    let (lines, widest) = (help.lines().count(), help.lines().map(|line| line.chars().count()).max().unwrap());
    assert!(lines <= 24 && widest <= 100, "{lines} lines of up to {widest} characters:\n{help}");
    for option in ["--config", "--check", "--runtime-dir", "--log-format", "--log-level", "--version"] {
        assert!(help.contains(option), "{option}:\n{help}");
    }
}

#[test]
fn version_names_the_program() {
    let version = ipmpd().arg("--version").output().unwrap();
    assert!(version.status.success());
    assert_eq!(String::from_utf8(version.stdout).unwrap(), format!("ipmpd {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn check_accepts_a_good_configuration_and_touches_nothing() {
    let place = Place::new(GOOD);
    let check = place.command(&["--check"]).output().unwrap();
    assert_eq!(check.status.code(), Some(0), "{}", String::from_utf8_lossy(&check.stderr));
    assert!(!place.runtime_dir().exists());
}

#[test]
fn check_shows_every_mistake_of_a_bad_configuration() {
    let place = Place::new(BAD);
    let check = place.command(&["--check"]).output().unwrap();
    assert_eq!(check.status.code(), Some(1));
    assert!(check.stdout.is_empty());
    assert_shows_all(&String::from_utf8(check.stderr).unwrap());
    assert!(!place.runtime_dir().exists());
}

#[test]
fn a_daemon_does_not_start_with_a_bad_configuration() {
    let place = Place::new(BAD);
    let start = place.command(&[]).output().unwrap();
    assert_eq!(start.status.code(), Some(78), "EX_CONFIG keeps the service manager from trying again");
    assert_shows_all(&String::from_utf8(start.stderr).unwrap());
    assert!(!place.runtime_dir().exists());
}

fn assert_shows_all(findings: &str) {
    for mistake in ["speed", "failback", "ipmp0/1"] {
        assert!(findings.contains(mistake), "{mistake}:\n{findings}");
    }
    assert!(findings.contains("ipmpd.toml:2:1"), "{findings}");
}

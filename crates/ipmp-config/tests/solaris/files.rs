//! Files of Solaris as administrators have them, and the configuration that they become.

use std::fs;

use ipmp_config::check_text;
use ipmp_config::solaris::{Imported, import};

/// Writes files below `etc` and imports them.
fn imported(files: &[(&str, &str)]) -> Result<Imported, String> {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("etc/default")).unwrap();
    fs::create_dir_all(root.path().join("etc/inet")).unwrap();
    for (name, text) in files {
        fs::write(root.path().join("etc").join(name), text).unwrap();
    }
    import(root.path())
}

/// What they become, the warnings behind it. It is a configuration that is accepted.
fn becomes(files: &[(&str, &str)]) -> String {
    let Imported { text, warnings } = imported(files).unwrap();
    check_text("ipmpd.toml", text.as_bytes()).unwrap();
    warnings.into_iter().fold(text, |text, warning| text + "warns: " + &warning + "\n")
}

/// As [`becomes`], compared with what is recorded under the name of the test.
macro_rules! snapshot {
    ($files:expr) => { insta::with_settings!({ omit_expression => true }, { insta::assert_snapshot!(becomes($files)) }) };
}

#[test]
fn a_group_with_an_interface_of_its_own() {
    snapshot!(&[
        ("hostname.ipmp0", "ipmp group itops 192.0.2.50/24 up\naddif 192.0.2.51/24 up\n"),
        ("hostname.net0", "group itops -failover 192.0.2.10/24 up\n"),
        ("hostname.net1", "group itops -failover standby 192.0.2.11/24 up\n"),
        ("hostname6.ipmp0", "ipmp group itops 2001:db8::50/64 up\n"),
        ("hostname6.net0", "group itops -failover up\n"),
        ("hostname6.net1", "group itops -failover standby up\n"),
        ("defaultrouter", "192.0.2.1\n"),
        (
            "default/mpathd",
            "# comment\nFAILURE_DETECTION_TIME=5000\nFAILBACK=no\nTRACK_INTERFACES_ONLY_WITH_GROUPS=yes\n"
        ),
    ]);
}

#[test]
fn an_old_style_group_without_one() {
    snapshot!(&[
        (
            "hostname.ce0",
            "web netmask + broadcast + group prod up \\\naddif web-test0 deprecated -failover netmask + broadcast + up\n"
        ),
        ("hostname.ce1", "web-test1 deprecated -failover netmask + broadcast + group prod standby up\n"),
        (
            "inet/hosts",
            "127.0.0.1 localhost\n192.0.2.50 web www\n192.0.2.10 web-test0\n192.0.2.11 web-test1 # the second\n"
        ),
        ("inet/netmasks", "192.0.2.0 255.255.255.0\n"),
        ("defaultrouter", "192.0.2.1\n198.51.100.1\nnobody\n"),
        ("default/mpathd", "FAILURE_DETECTION_TIME=10000\n"),
    ]);
}

#[test]
fn what_is_dangerous_doubtful_or_unknown_is_told() {
    snapshot!(&[
        ("hostname.ipmp0", "ipmp 172.16.9.50 up\n"),
        ("hostname.net0", "group ipmp0\n172.16.9.10/16 up -failover\n"),
        ("hostname.net1", "172.16.9.11 -failover group ipmp0 mtu 1400\n"),
        ("hostname.net2", "10.9.9.9/8\n"),
        ("hostname.net3", "nowhere\n"),
        ("hostname.net4", "dhcp\n"),
        ("hostname.net5", ""),
        ("hostname.a-very-long-name0", "group ipmp0\n"),
        ("hostname.net0.bak", "nonsense"),
        ("default/mpathd", "FAILURE_DETECTION_TIME=10s\nFAILBACK=maybe\n"),
    ]);
}

#[test]
fn a_logical_interface_in_a_file_of_its_own_and_addresses_that_an_agent_keeps() {
    snapshot!(&[
        ("hostname.ce0", "192.0.2.50/24 group prod up\n"),
        ("hostname.ce0:1", "192.0.2.51/24\n"),
        ("hostname.ce0:2", "192.0.2.10/24 -failover\n"),
        ("hostname6.ce0:1", "2001:db8::50/64\n"),
        ("hostname.ce1", "group prod -failover dhcp wait 30 primary\n"),
        ("hostname.ce2", "192.0.2.12 192.0.2.13 group prod up\n"),
    ]);
}

#[test]
fn settings_are_read_as_the_daemon_of_solaris_reads_them() {
    let head = |mpathd: &str| {
        let Imported { text, warnings } = imported(&[("default/mpathd", mpathd)]).unwrap();
        let line = text.lines().find(|line| line.starts_with("failure")).unwrap_or_default().to_owned();
        (line.replace("failure-detection-time = ", ""), warnings.len())
    };
    assert_eq!(head("FAILURE_DETECTION_TIME=2000"), ("2000".into(), 0));
    assert_eq!(head("  failure_detection_time=0x100\n"), ("256".into(), 0));
    assert_eq!(head("FAILURE_DETECTION_TIME=50\n"), ("100".into(), 1));
    assert_eq!(head("FAILURE_DETECTION_TIME=0\n"), ("10000".into(), 2));
    assert_eq!(head("FAILURE_DETECTION_TIME=soon\n"), ("10000".into(), 2));
    assert_eq!(head("FAILURE_DETECTION_TIME=99999999999\n"), ("3600000".into(), 1));
    assert_eq!(head("FAILURE_DETECTION_TIME=2000\nFAILURE_DETECTION_TIME=3000\n"), ("2000".into(), 0));
    // No key, because of the blank.
    assert_eq!(head("FAILURE_DETECTION_TIME =2000\n"), ("".into(), 0));
}

#[test]
fn nothing_to_import_is_an_error() {
    assert!(imported(&[]).unwrap_err().contains("--root"));
    assert!(import(std::path::Path::new("/nonexistent")).unwrap_err().contains("cannot read /nonexistent/etc"));
}

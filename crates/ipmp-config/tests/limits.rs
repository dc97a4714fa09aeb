//! Everything is bounded: what is beyond is refused, what is at the bound is not.

use std::fs;
use std::path::Path;

use ipmp_config::{Documents, Edit, check_text, load};

/// What is said of a text; nothing if it is accepted.
fn errors(text: &str) -> Vec<String> {
    let findings = check_text("x.toml", text.as_bytes()).err();
    findings.iter().flat_map(|findings| findings.iter().map(|finding| finding.message.clone())).collect()
}

fn list(count: usize, item: impl Fn(usize) -> String) -> String {
    let items: Vec<_> = (0..count).map(|index| format!("\"{}\"", item(index))).collect();
    format!("[{}]", items.join(", "))
}

fn groups(range: std::ops::Range<usize>) -> String {
    range.map(|n| format!("[[group]]\ninterface = \"net{n}\"\n[[group.member]]\ninterface = \"eth{n}\"\n")).collect()
}

fn group(rest: &str) -> String {
    format!(
        "[[group]]\ninterface = \"ipmp0\"\n{rest}\n[[group.member]]\ninterface = \"eth0\"\ntest-addresses = [\"10.255.0.1/8\"]\n"
    )
}

#[test]
fn groups_in_a_file() {
    assert!(errors(&groups(0..255)).is_empty());
    assert_eq!(errors(&groups(0..256)), ["`group` has 256 elements"]);
}

#[test]
fn members() {
    let members = |count| -> String {
        let members = (0..count).map(|n| format!("[[group.member]]\ninterface = \"eth{n}\"\n"));
        format!("[[group]]\ninterface = \"ipmp0\"\n{}", members.collect::<String>())
    };
    assert!(errors(&members(255)).is_empty());
    assert_eq!(errors(&members(256)), ["`member` has 256 elements"]);
}

#[test]
fn addresses_gateways_targets_and_routes() {
    let address = |n: usize| format!("10.{}.{}.7", n / 256, n % 256);
    type Written<'a> = &'a dyn Fn(usize) -> String;
    let limits: [(&str, usize, Written); 4] = [
        ("addresses", 10_000, &|count| list(count, |n| format!("{}/8", address(n)))),
        ("gateways", 16, &|count| list(count, address)),
        ("targets", 255, &|count| list(count, address)),
        ("routes", 1000, &|count| {
            let route = |n: usize| format!("{{ to = \"172.{}.{}.0/24\", via = \"10.0.0.1\" }}", n / 256, n % 256);
            format!("[{}]", (0..count).map(route).collect::<Vec<_>>().join(", "))
        }),
    ];
    for (key, limit, written) in limits {
        assert_eq!(errors(&group(&format!("{key} = {}", written(limit)))), [""; 0], "{key}");
        let beyond = errors(&group(&format!("{key} = {}", written(limit + 1))));
        assert_eq!(beyond, [format!("`{key}` has {} elements", limit + 1)]);
    }
}

fn errors_of(path: &Path) -> Vec<String> {
    let findings = load(path).expect_err("is refused");
    findings.iter().map(|finding| finding.message.clone()).collect()
}

#[test]
fn groups_in_all_files_together() {
    let directory = tempfile::tempdir().expect("a directory");
    let main = directory.path().join("ipmpd.toml");
    fs::write(&main, groups(0..200)).expect("written");
    fs::create_dir(directory.path().join("conf.d")).expect("made");
    fs::write(directory.path().join("conf.d/more.toml"), groups(200..256)).expect("written");
    assert_eq!(errors_of(&main), ["256 groups in all files together"]);
}

#[test]
fn files_of_conf_d() {
    let directory = tempfile::tempdir().expect("a directory");
    let main = directory.path().join("ipmpd.toml");
    fs::write(&main, "").expect("written");
    fs::create_dir(directory.path().join("conf.d")).expect("made");
    (0..256).for_each(|n| fs::write(directory.path().join(format!("conf.d/{n}.toml")), "").expect("written"));
    assert_eq!(errors_of(&main), ["cannot be read: more than 255 files"]);
}

#[test]
fn size_of_a_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let main = directory.path().join("ipmpd.toml");
    fs::write(&main, "#".repeat(1024 * 1024)).expect("written");
    assert!(load(&main).is_ok());
    fs::write(&main, "#".repeat(1024 * 1024 + 1)).expect("written");
    assert_eq!(errors_of(&main), ["cannot be read: larger than 1024 KiB"]);
}

/// What an edit makes can be read again.
#[test]
fn size_of_an_edited_file() {
    let directory = tempfile::tempdir().expect("a directory");
    let main = directory.path().join("ipmpd.toml");
    fs::write(&main, "#".repeat(1024 * 1024 - 8)).expect("written");
    let mut documents = Documents::read(&main).expect("readable");
    let edit = Edit::CreateGroup { interface: "ipmp0".parse().expect("a name"), name: None };
    let refusal = documents.edit(&edit).expect_err("is refused");
    assert_eq!(refusal, format!("{} would be larger than 1024 KiB", main.display()));
}

/// A pipe that nobody writes to would keep a reload waiting for ever.
#[test]
fn kind_of_a_file() {
    assert_eq!(errors_of(Path::new("/dev/null")), ["cannot be read: not a regular file"]);
}

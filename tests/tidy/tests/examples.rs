//! What the project shows as an example can be used as it is.

use ipmp_tidy::{read, root};

#[test]
fn the_example_configuration_can_be_used() {
    let path = root().join("config/ipmpd.toml");
    match ipmp_config::load(&path) {
        Ok(loaded) => {
            assert!(loaded.findings.is_empty(), "{}", loaded.findings.render());
            assert!(!loaded.config.groups.is_empty(), "it shows no group");
        }
        Err(findings) => panic!("{}", findings.render()),
    }
}

/// Every block of the documentation that begins with a `toml` fence and holds a group of its own.
#[test]
fn every_configuration_in_the_documentation_can_be_used() {
    for page in ipmp_tidy::entries("docs").into_iter().chain(["README.md".into()]) {
        if page.extension().is_none_or(|extension| extension != "md") || !root().join(&page).exists() {
            continue;
        }
        let text = read(&page);
        for (number, block) in text.split("```toml\n").skip(1).enumerate() {
            let example = block.split("```").next().unwrap_or_default();
            if !example.contains("[[group]]") {
                continue;
            }
            let name = format!("{}, example {}", page.display(), number + 1);
            if let Err(findings) = ipmp_config::check_text(&name, example.as_bytes()) {
                panic!("{}", findings.render());
            }
        }
    }
}

//! Links between the pages of the project lead somewhere.

use std::path::{Path, PathBuf};

use ipmp_tidy::{entries, read, root};

/// The targets of the Markdown links of a text, outside of code blocks.
fn links(text: &str) -> Vec<String> {
    let prose: String = text.split("```").step_by(2).collect();
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    targets.map(|(target, _)| target.to_owned()).collect()
}

/// The anchor that a heading gets: lower case, words joined by hyphens, punctuation left out.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn broken(page: &Path, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
    let target = match file {
        "" => page.to_owned(),
        file => page.parent().unwrap_or(Path::new("")).join(file),
    };
    if !root().join(&target).exists() {
        return Some(format!("{}: {link} leads nowhere", page.display()));
    }
    let headings = || read(&target).lines().filter(|line| line.starts_with('#')).map(anchor).collect::<Vec<_>>();
    (!fragment.is_empty() && !headings().iter().any(|heading| heading == fragment))
        .then(|| format!("{}: {link} names a heading that is not there", page.display()))
}

#[test]
fn every_link_leads_somewhere() {
    let pages = entries("docs").into_iter().chain(entries(".").into_iter().map(|page| page.components().collect()));
    let pages: Vec<PathBuf> =
        pages.filter(|page| page.extension().is_some_and(|extension| extension == "md")).collect();
    assert!(!pages.is_empty());
    let broken: Vec<_> =
        pages.iter().flat_map(|page| links(&read(page)).into_iter().filter_map(|link| broken(page, &link))).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

//! Unknown keys: what was probably meant.

use crate::keys::Section;

/// The nearest key of the table, if one is near: a slip of the fingers, another way to spell the
/// hyphens, or the capitals of `/etc/default/mpathd`.
pub(crate) fn near(section: Section, key: &str) -> Option<&'static str> {
    let key = normal(key);
    let distance = |known: &str| strsim::osa_distance(known, &key);
    let nearest = section.keys().iter().copied().min_by_key(|known| distance(known))?;
    (distance(nearest) <= (nearest.len() / 3).min(3)).then_some(nearest)
}

/// Other tables that have this very key.
pub(crate) fn elsewhere(section: Section, key: &str) -> impl Iterator<Item = Section> {
    let key = normal(key);
    let others = Section::ALL.into_iter().filter(move |other| *other != section && *other != Section::ConfD);
    others.filter(move |other| other.keys().contains(&key.as_str()))
}

/// Bounded, because the time taken grows with the length.
fn normal(key: &str) -> String {
    key.chars().take(64).map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_was_meant() {
        assert_eq!(near(Section::Group, "adresses"), Some("addresses"));
        assert_eq!(near(Section::Group, "tagrets"), Some("targets"));
        assert_eq!(near(Section::Main, "FAILURE_DETECTION_TIME"), Some("failure-detection-time"));
        assert_eq!(near(Section::Route, "too"), None);
        assert_eq!(near(Section::Group, "colour"), None);
        let elsewhere = |section, key| elsewhere(section, key).collect::<Vec<_>>();
        assert_eq!(elsewhere(Section::Member, "failback"), [Section::Main, Section::Group]);
        assert_eq!(elsewhere(Section::Group, "standby"), [Section::Member]);
        assert_eq!(elsewhere(Section::Group, "colour"), []);
    }
}

//! `/etc/default/mpathd` → the head of the main file (IPMP behaviour, §2).

/// The lines of the head, and what is doubtful.
pub(super) fn settings(text: &str) -> (Vec<String>, Vec<String>) {
    let (mut lines, mut warnings) = (Vec::new(), Vec::new());
    if let Some(value) = value(text, "FAILURE_DETECTION_TIME") {
        let (milliseconds, doubt) = detection_time(value);
        if milliseconds == 10_000 {
            warnings.push(
                "FAILURE_DETECTION_TIME is 10 s, which is what Solaris has by default; here failures are found within 1 s, safely, \
                 if `failure-detection-time` is left out"
                    .to_owned(),
            );
        }
        warnings.extend(doubt);
        lines.push(format!("failure-detection-time = {milliseconds}"));
    }
    for (name, key) in
        [("FAILBACK", "failback"), ("TRACK_INTERFACES_ONLY_WITH_GROUPS", "track-interfaces-only-with-groups")]
    {
        match value(text, name).map(|value| (value, value.to_ascii_lowercase())) {
            Some((_, value)) if value == "yes" => lines.push(format!("{key} = true")),
            Some((_, value)) if value == "no" => lines.push(format!("{key} = false")),
            Some((value, _)) => {
                warnings.push(format!("{name}={value} is neither yes nor no, so the default, yes, was in force"));
                lines.push(format!("{key} = true"));
            }
            None => {}
        }
    }
    (lines, warnings)
}

/// The first line with that key wins.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.trim_start_matches(' ').split_once('=')?;
        name.eq_ignore_ascii_case(key).then_some(value)
    })
}

/// Milliseconds that were in force, and what is wrong with what is written.
fn detection_time(value: &str) -> (u64, Option<String>) {
    let trimmed = value.trim_start();
    let (digits, radix) = match trimmed.strip_prefix("0x").or_else(|| trimmed.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if trimmed.starts_with('0') => (trimmed, 8),
        None => (trimmed, 10),
    };
    let end = digits.find(|c: char| !c.is_digit(radix)).unwrap_or(digits.len());
    let doubt = |milliseconds| {
        (
            milliseconds,
            Some(format!("FAILURE_DETECTION_TIME={value} was taken for {milliseconds} ms, and is imported as that")),
        )
    };
    let most = crate::FAILURE_DETECTION_TIME_MAX.as_millis() as u64;
    match u64::from_str_radix(&digits[..end], radix) {
        Ok(0) | Err(_) => doubt(10_000),
        Ok(1..100) => doubt(100),
        Ok(milliseconds) if milliseconds > most => (
            most,
            Some(format!(
                "FAILURE_DETECTION_TIME={value} is longer than is possible here, and is imported as {most} ms"
            )),
        ),
        Ok(milliseconds) if !digits[end..].trim_end().is_empty() => doubt(milliseconds),
        Ok(milliseconds) => (milliseconds, None),
    }
}

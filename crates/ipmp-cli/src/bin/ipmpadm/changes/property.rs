//! `NAME=VALUE` as people type it → key and value as the configuration has them. Whether there is such a key, and
//! whether the value is right, the daemon says.

/// The keys with a name that is quicker to type.
const SHORT: [(&str, &str); 2] = [("fdt", "failure-detection-time"), ("fdt-max", "failure-detection-time-max")];

/// The key, and its value in TOML; no value for the default.
///
/// # Errors
///
/// What is missing, or wrong.
pub fn read(property: &str) -> Result<(String, Option<String>), String> {
    let no_value = || format!("{property} has no value; write {property}=VALUE, or {property}= for the default");
    let (name, value) = property.split_once('=').ok_or_else(no_value)?;
    let key = SHORT.iter().find(|(short, _)| *short == name).map_or(name, |(_, key)| key);
    let value = if value.is_empty() { None } else { Some(toml(key, value)?) };
    Ok((key.to_owned(), value))
}

fn toml(key: &str, value: &str) -> Result<String, String> {
    Ok(match key {
        "standby" | "failback" | "drain" | "targets-exclusive" => match value {
            "on" | "true" => "true".into(),
            "off" | "false" => "false".into(),
            _ => return Err(format!("{key} is on or off, not {value}")),
        },
        "addresses" | "down-addresses" | "gateways" | "targets" | "test-addresses" | "down-test-addresses" => {
            let items: Vec<_> = value.split(',').map(|item| quoted(item.trim())).collect();
            format!("[{}]", items.join(", "))
        }
        // Tables are written as in the file.
        "damping" | "routes" => value.to_owned(),
        "failure-detection-time" | "failure-detection-time-max" | "degraded-loss-percent"
            if value.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            value.to_owned()
        }
        _ => quoted(value),
    })
}

/// Strings of JSON are strings of TOML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_toml() {
        for (property, key, value) in [
            ("standby=on", "standby", Some("true")),
            ("failback=false", "failback", Some("false")),
            ("fdt=500ms", "failure-detection-time", Some("\"500ms\"")),
            ("fdt=500", "failure-detection-time", Some("500")),
            ("fdt=", "failure-detection-time", None),
            ("failure-detection-time-max=1m", "failure-detection-time-max", Some("\"1m\"")),
            ("targets=192.0.2.1,2001:db8::1", "targets", Some("[\"192.0.2.1\", \"2001:db8::1\"]")),
            ("gateways=fe80::1", "gateways", Some("[\"fe80::1\"]")),
            ("degraded-loss-percent=5", "degraded-loss-percent", Some("5")),
            ("probe=arp", "probe", Some("\"arp\"")),
            ("name=7", "name", Some("\"7\"")),
            ("name=a\"b=c", "name", Some("\"a\\\"b=c\"")),
            ("damping={ half-life = \"2m\" }", "damping", Some("{ half-life = \"2m\" }")),
        ] {
            assert_eq!(read(property), Ok((key.to_owned(), value.map(str::to_owned))), "{property}");
        }
    }

    #[test]
    fn what_is_no_property_is_refused() {
        assert_eq!(
            read("standby").unwrap_err(),
            "standby has no value; write standby=VALUE, or standby= for the default"
        );
        assert_eq!(read("standby=maybe").unwrap_err(), "standby is on or off, not maybe");
    }
}

//! Cutting and filling in: lines, lists and the blanks around them.

use std::ops::Range;

use super::outline::List;

/// A stretch of the text, and what stands there instead.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

impl Splice {
    pub(super) fn new(range: Range<usize>, text: impl Into<String>) -> Self {
        Self { range, text: text.into() }
    }

    fn cut(range: Range<usize>) -> Self {
        Self::new(range, "")
    }
}

/// Carries out all of them. They do not overlap; two may touch.
pub(super) fn carry_out(text: &str, mut splices: Vec<Splice>) -> String {
    let mut text = text.to_owned();
    splices.sort_by_key(|splice| std::cmp::Reverse((splice.range.start, splice.range.end)));
    for Splice { range, text: new } in splices {
        text.replace_range(range, &new);
    }
    text
}

/// How lines end in this text.
pub(super) fn line_end(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// Where the line begins that this byte is in.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// Where the next line begins, or the text ends.
pub(super) fn next_line(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |length| at + length + 1)
}

/// The blanks at the start of the line that this byte is in.
pub(super) fn indent(text: &str, at: usize) -> &str {
    let line = &text[line_start(text, at)..at];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// The lines of a stretch: from the start of its first to the start of the one that follows its last.
pub(super) fn lines(text: &str, stretch: &Range<usize>) -> Range<usize> {
    line_start(text, stretch.start)..next_line(text, stretch.end)
}

/// New lines before the one that begins here.
pub(super) fn insert_lines(text: &str, at: usize, lines: &[String]) -> Splice {
    let end = line_end(text);
    let mut new = String::new();
    if at > 0 && !text[..at].ends_with('\n') {
        new += end;
    }
    lines.iter().for_each(|line| new = format!("{new}{line}{end}"));
    Splice::new(at..at, new)
}

/// Without a line that would be left empty, and with what is said about the stretch at the end of its last line.
pub(super) fn remove_lines(text: &str, stretch: &Range<usize>) -> Splice {
    Splice::cut(lines(text, stretch))
}

/// One more item at the end of a list, laid out as the last one is.
pub(super) fn push(text: &str, list: &List, item: &str) -> Vec<Splice> {
    let inside = list.span.start + 1..list.span.end - 1;
    let Some(last) = list.items.last() else {
        let blank = text[inside.clone()].chars().all(|c| matches!(c, ' ' | '\t'));
        let braces = text[..list.span.end].ends_with('}');
        let item = if braces { format!(" {item} ") } else { item.to_owned() };
        return vec![Splice::new(if blank { inside } else { inside.start..inside.start }, item)];
    };
    let comma = comma(text, last.end..inside.end);
    let after = comma.map_or(last.end, |comma| comma + 1);
    if !first_on_line(text, list, last) {
        let new = if comma.is_some() { format!(" {item},") } else { format!(", {item}") };
        return vec![Splice::new(after..after, new)];
    }
    let line = format!("{}{}{item}", line_end(text), indent(text, last.start));
    let end = text[after..inside.end].find('\n').map_or(after, |newline| {
        let end = after + newline;
        if text[..end].ends_with('\r') { end - 1 } else { end }
    });
    match comma {
        Some(_) => vec![Splice::new(end..end, line + ",")],
        None if end == after => vec![Splice::new(after..after, format!(",{line}"))],
        None => vec![Splice::new(after..after, ","), Splice::new(end..end, line)],
    }
}

/// One item goes, with its comma, and with its line where it has one of its own.
pub(super) fn remove(text: &str, list: &List, index: usize) -> Vec<Splice> {
    let item = list.items[index].clone();
    let inside = list.span.start + 1..list.span.end - 1;
    let next = list.items.get(index + 1).map_or(inside.end, |next| next.start);
    let comma_after = comma(text, item.end..next);
    let previous = index.checked_sub(1).map(|previous| list.items[previous].clone());
    let comma_before = previous.as_ref().and_then(|previous| comma(text, previous.end..item.start));
    // The last one of a list that does not end in a comma takes away the one before it.
    let extra = if comma_after.is_none() { comma_before } else { None };
    let end = comma_after.map_or(item.end, |comma| comma + 1);
    if let Some(comma) = comma_after.filter(|comma| text[item.end..*comma].contains('\n')) {
        return vec![Splice::cut(item), Splice::cut(comma..comma + 1)];
    }
    let rest = &text[end..next_line(text, end).min(inside.end)];
    let last_on_line = rest.ends_with('\n') && matches!(rest.trim_start().chars().next(), None | Some('#'));
    if first_on_line(text, list, &item) && last_on_line {
        let own = Splice::cut(line_start(text, item.start)..next_line(text, end));
        return extra.map(|comma| Splice::cut(comma..comma + 1)).into_iter().chain([own]).collect();
    }
    match (previous, extra) {
        (Some(previous), None) if index + 1 == list.items.len() && !text[previous.end..item.start].contains('#') => {
            vec![Splice::cut(previous.end..item.end)]
        }
        (_, Some(comma)) if text[comma + 1..item.start].trim().is_empty() => vec![Splice::cut(comma..item.end)],
        (_, Some(comma)) => vec![Splice::cut(comma..comma + 1), Splice::cut(item)],
        (_, None) => {
            let blanks = text[end..next].len() - text[end..next].trim_start_matches([' ', '\t']).len();
            vec![Splice::cut(item.start..if comma_after.is_some() { end + blanks } else { end })]
        }
    }
}

/// Whether only blanks are before an item in its line.
fn first_on_line(text: &str, list: &List, item: &Range<usize>) -> bool {
    let start = line_start(text, item.start);
    start > list.span.start && text[start..item.start].trim().is_empty()
}

/// The first comma in a stretch between items, which may have comments.
fn comma(text: &str, stretch: Range<usize>) -> Option<usize> {
    let mut comment = false;
    text[stretch.clone()].bytes().zip(stretch).find_map(|(byte, at)| {
        comment = (comment || byte == b'#') && byte != b'\n';
        (byte == b',' && !comment).then_some(at)
    })
}

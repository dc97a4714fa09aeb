//! How many lines each panel gets of a screen.

use super::Panel;

/// Who is served first where there is not enough for all.
const ORDER: [Panel; 4] = [Panel::Members, Panel::Groups, Panel::Events, Panel::Addresses];

/// A heading and one line: with less a panel says nothing.
const LEAST: usize = 2;

/// Shares `height` lines among panels that have so many to show, their headings included: each gets what it wants, or
/// as much as the others that want more. Those that would have less than two lines have none, the one with the `focus`
/// last of all.
pub(super) fn share(height: usize, wants: [usize; 4], focus: Panel) -> [usize; 4] {
    let mut given = [0; 4];
    let mut left = height;
    let served = || std::iter::once(focus).chain(ORDER.into_iter().filter(move |panel| *panel != focus));
    for panel in served() {
        let lines = if panel == focus { LEAST.min(left) } else { LEAST };
        if lines <= left {
            given[panel as usize] = lines;
            left -= lines;
        }
    }
    while left > 0 {
        let hungry =
            served().map(|panel| panel as usize).filter(|&panel| 0 < given[panel] && given[panel] < wants[panel]);
        let Some(panel) = hungry.min_by_key(|&panel| given[panel]) else { break };
        given[panel] += 1;
        left -= 1;
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_shown_whole() {
        assert_eq!(share(30, [3, 5, 4, 9], Panel::Members), [3, 5, 4, 9]);
        assert_eq!(share(21, [3, 5, 4, 9], Panel::Events), [3, 5, 4, 9]);
    }

    #[test]
    fn those_that_want_much_share_what_the_others_leave() {
        assert_eq!(share(20, [3, 30, 4, 100], Panel::Members), [3, 7, 4, 6]);
        assert_eq!(share(20, [3, 30, 4, 100], Panel::Events), [3, 6, 4, 7]);
    }

    #[test]
    fn a_small_screen_keeps_the_focus() {
        for focus in Panel::ALL {
            for height in 0..8 {
                let given = share(height, [9; 4], focus);
                assert!(given.iter().sum::<usize>() <= height);
                assert_eq!(given[focus as usize].min(2), height.min(2), "{height} {focus:?}");
                assert!(Panel::ALL.iter().all(|panel| *panel == focus || given[*panel as usize] != 1));
            }
        }
        assert_eq!(share(6, [9; 4], Panel::Addresses), [2, 2, 2, 0]);
    }
}

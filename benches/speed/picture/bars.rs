//! The time of one event and the start-up of each contender, as bars. On a logarithmic scale, since the longest is a thousand
//! times the shortest; each bar says its figure.

use super::{begin, draw_bar, draw_key, draw_rule, draw_text};
use crate::entry::Side;
use crate::figures::time;
use crate::rounds::Result;
use std::time::Duration;

const LABELS: f64 = 245.0;
const PANEL: f64 = 330.0;
/// Room behind the longest bar for its figure.
const FIGURE: f64 = 60.0;
const TOP: f64 = 78.0;
const ROW: f64 = 22.0;

pub fn draw(results: &[Result]) -> String {
    let bottom = results.iter().fold(TOP, |height, _| height + ROW);
    let (width, height) = (LABELS + 2.0 * PANEL, bottom + 12.0);
    let mut svg = begin(width, height, "The time of one event and the start-up of each runtime");
    let mut at = 12.0;
    for (class, words) in [("floor", "the least there can be"), ("here", "bootstrap"), ("other", "others")] {
        at = draw_key(&mut svg, class, (at, 24.0), words);
    }
    draw_text(&mut svg, "faint", LABELS + PANEL, 24.0, "events of 100 B, one processor, logarithmic scales");
    let mut y = TOP;
    for result in results {
        draw_text(&mut svg, "", 12.0, y + 15.0, &result.entry.title.replace('`', ""));
        y += ROW;
    }
    panel(&mut svg, results, LABELS, bottom, "One event", |result| result.p50);
    panel(&mut svg, results, LABELS + PANEL, bottom, "Start-up", |result| result.start_up);
    svg + "</svg>\n"
}

/// One bar per contender, over lines for the powers of ten.
fn panel(svg: &mut String, results: &[Result], left: f64, bottom: f64, head: &str, of: fn(&Result) -> Duration) {
    let logarithm = |time: Duration| (time.as_secs_f64() * 1e6).log10();
    let least = results.iter().map(|result| logarithm(of(result))).fold(f64::MAX, f64::min);
    let most = results.iter().map(|result| logarithm(of(result))).fold(0.0, f64::max);
    // A bar of some length for the shortest, too.
    let start = (least - 0.1).floor();
    let scale = (PANEL - FIGURE - 12.0) / (most - start);
    draw_text(svg, "head", left, TOP - 30.0, head);
    let mut power = start;
    while power <= most {
        let x = left + (power - start) * scale;
        draw_rule(svg, (x, TOP), (x, bottom));
        let word = time(Duration::from_secs_f64(10_f64.powf(power) / 1e6));
        draw_text(svg, "faint", x, TOP - 8.0, &word.replace(".00", "").replace(".0", ""));
        power += 1.0;
    }
    let mut y = TOP;
    for result in results {
        let class = match result.entry.side {
            Side::Floor => "floor",
            Side::Here => "here",
            Side::Other => "other",
        };
        let length = (logarithm(of(result)) - start) * scale;
        draw_bar(svg, class, left, y + 4.0, (length, ROW - 8.0));
        draw_text(svg, "faint figure", left + length + 5.0, y + 15.0, &time(of(result)));
        y += ROW;
    }
}

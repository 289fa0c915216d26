//! The picture: the time of one event and the start-up of each contender, as bars. On a logarithmic scale, since the longest is
//! a thousand times the shortest; each bar says its figure. Readable on light and on dark ground.

use super::figures::time;
use super::lineup::Side;
use super::rounds::Result;
use std::fmt::Write;
use std::time::Duration;

const LABELS: f64 = 225.0;
const PANEL: f64 = 330.0;
/// Room behind the longest bar for its figure.
const FIGURE: f64 = 60.0;
const TOP: f64 = 78.0;
const ROW: f64 = 22.0;

const STYLE: &str = "
  text { font: 12px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328 }
  .ground { fill: #ffffff } .head { font-weight: 600; font-size: 13px } .faint { fill: #59636e; font-size: 11px }
  .figure { paint-order: stroke; stroke: #ffffff; stroke-width: 4px }
  .line { stroke: #d1d9e0 } .floor { fill: #9198a1 } .here { fill: #0969da } .other { fill: #d97b29 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .ground { fill: #0d1117 } .faint { fill: #9198a1 } .figure { stroke: #0d1117 }
    .line { stroke: #30363d }
    .floor { fill: #7d8590 } .here { fill: #4493f8 } .other { fill: #e0883a }
  }
";

pub fn draw(results: &[Result]) -> String {
    let bottom = results.iter().fold(TOP, |height, _| height + ROW);
    let (width, height) = (LABELS + 2.0 * PANEL, bottom + 12.0);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\">\n<title>The time of one event and the start-up of each runtime</title>\n<style>{STYLE}</style>\n\
         <rect class=\"ground\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n"
    );
    let mut at = 12.0;
    for (class, words) in [("floor", "the least there can be"), ("here", "bootstrap"), ("other", "others")] {
        let (text, y) = (at + 16.0, 24.0);
        draw_bar(&mut svg, class, at, y - 10.0, (10.0, 10.0));
        draw_text(&mut svg, "", text, y, words);
        at = text + f64::from(u32::try_from(words.len()).unwrap_or(0)) * 6.2 + 22.0;
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
        let _ = writeln!(svg, "<line class=\"line\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>");
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

fn draw_text(svg: &mut String, class: &str, x: f64, y: f64, words: &str) {
    let _ = writeln!(svg, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{words}</text>");
}

fn draw_bar(svg: &mut String, class: &str, x: f64, y: f64, (length, height): (f64, f64)) {
    let _ = writeln!(
        svg,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{height}\" rx=\"2\"/>"
    );
}

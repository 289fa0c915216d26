//! Pictures: SVG that is readable on light and on dark ground, and what both of them are drawn with.

pub mod bars;
pub mod lines;

use std::fmt::Write;

const STYLE: &str = "
  text { font: 12px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #1f2328 }
  rect, circle { fill: currentColor } polyline { fill: none; stroke: currentColor; stroke-width: 2px; stroke-linejoin: round }
  .ground { fill: #ffffff } .head { font-weight: 600; font-size: 13px } .faint { fill: #59636e; font-size: 11px }
  .figure { paint-order: stroke; stroke: #ffffff; stroke-width: 4px } .line { stroke: #d1d9e0 }
  .floor { color: #9198a1 } .here { color: #0969da } .other { color: #d97b29 } .second { color: #1a7f37 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .ground { fill: #0d1117 } .faint { fill: #9198a1 } .figure { stroke: #0d1117 }
    .line { stroke: #30363d }
    .floor { color: #7d8590 } .here { color: #4493f8 } .other { color: #e0883a } .second { color: #3fb950 }
  }
";

/// The beginning of a picture; its end is `</svg>`.
fn begin(width: f64, height: f64, title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\">\n<title>{title}</title>\n<style>{STYLE}</style>\n\
         <rect class=\"ground\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n"
    )
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

fn draw_rule(svg: &mut String, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
    let _ = writeln!(svg, "<line class=\"line\" x1=\"{x1:.1}\" x2=\"{x2:.1}\" y1=\"{y1:.1}\" y2=\"{y2:.1}\"/>");
}

/// A square in the class's colour and words behind it. Gives where the next one may begin.
fn draw_key(svg: &mut String, class: &str, (x, y): (f64, f64), words: &str) -> f64 {
    draw_bar(svg, class, x, y - 10.0, (10.0, 10.0));
    draw_text(svg, "", x + 16.0, y, words);
    x + 16.0 + f64::from(u32::try_from(words.len()).unwrap_or(0)) * 6.2 + 22.0
}

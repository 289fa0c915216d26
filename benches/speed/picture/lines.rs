//! Lines over what grows, on logarithmic scales: each chart has a time above and the memory below it.

use super::{begin, draw_key, draw_rule, draw_text};
use crate::figures;
use std::fmt::Write;
use std::time::Duration;

const WIDTH: f64 = 330.0;
const HEIGHT: f64 = 190.0;
/// Left of each chart, for the figures of its scale; above, for its keys; below, for the other scale.
const LEFT: f64 = 62.0;
const TOP: f64 = 58.0;
const BELOW: f64 = 34.0;

/// One line.
pub struct Series {
    pub class: &'static str,
    pub label: &'static str,
    pub points: Vec<(f64, f64)>,
}

pub struct Chart {
    title: String,
    unit: fn(f64) -> String,
    series: Vec<Series>,
}

impl Chart {
    /// In microseconds.
    pub fn times(over: &str, series: Vec<Series>) -> Self {
        let unit = |micros: f64| figures::time(Duration::from_secs_f64(micros / 1e6));
        Self { title: format!("Time, over the {over}"), unit, series }
    }

    /// In megabytes, over the same as the chart before it.
    pub fn memory(series: Vec<Series>) -> Self {
        Self { title: "Memory".to_owned(), unit: |megabytes| format!("{megabytes} MB"), series }
    }
}

/// Two charts, one below the other, for each thing that grows.
pub fn draw(charts: &[Chart]) -> String {
    let columns = f64::from(u32::try_from(charts.len().div_ceil(2)).unwrap_or(1));
    let (column, row) = (LEFT + WIDTH + 24.0, TOP + HEIGHT + BELOW);
    let mut svg =
        begin(columns * column, 2.0 * row, "Time and memory over the size of the event, the workers and the processes");
    for (at, pair) in (0_u32..).zip(charts.chunks(2)) {
        for (below, chart) in (0_u32..).zip(pair) {
            chart.draw(&mut svg, f64::from(at) * column + LEFT, f64::from(below) * row + TOP);
        }
    }
    svg + "</svg>\n"
}

/// A logarithmic scale: where a number lies between 0 and 1.
struct Scale(f64, f64);

impl Scale {
    fn over(numbers: impl Iterator<Item = f64> + Clone) -> Self {
        let least = numbers.clone().fold(f64::MAX, f64::min).log10();
        let most = numbers.fold(f64::MIN, f64::max).log10();
        Self(least, most.max(least + 0.1))
    }

    /// To whole powers of ten.
    fn rounded(self) -> Self {
        Self((self.0 + 1e-9).floor(), (self.1 - 1e-9).ceil())
    }

    fn place(&self, number: f64) -> f64 {
        (number.log10() - self.0) / (self.1 - self.0)
    }

    /// The powers of ten on it.
    fn marks(&self) -> impl Iterator<Item = f64> + use<> {
        let (last, mut power) = (self.1 + 1e-9, (self.0 - 1e-9).ceil());
        std::iter::from_fn(move || {
            power += 1.0;
            (power - 1.0 <= last).then(|| 10_f64.powf(power - 1.0))
        })
    }
}

impl Chart {
    fn draw(&self, svg: &mut String, left: f64, top: f64) {
        let points = || self.series.iter().flat_map(|one| one.points.iter().copied());
        let across = Scale::over(points().map(|point| point.0));
        let up = Scale::over(points().map(|point| point.1)).rounded();
        let x = |number: f64| left + across.place(number) * WIDTH;
        let y = |number: f64| top + (1.0 - up.place(number)) * HEIGHT;
        draw_text(svg, "head", left, top - 34.0, &self.title);
        let mut key = left;
        for one in &self.series {
            key = draw_key(svg, one.class, (key, top - 14.0), one.label) - 8.0;
        }
        for mark in across.marks() {
            draw_rule(svg, (x(mark), top), (x(mark), top + HEIGHT));
            draw_text(svg, "faint", x(mark) - 4.0, top + HEIGHT + 16.0, &short(mark));
        }
        for mark in up.marks() {
            draw_rule(svg, (left, y(mark)), (left + WIDTH, y(mark)));
            draw_text(
                svg,
                "faint",
                left - 50.0,
                y(mark) + 4.0,
                &(self.unit)(mark).replace(".00", "").replace(".0 ", " "),
            );
        }
        for one in &self.series {
            let places: Vec<_> = one.points.iter().map(|&(across, up)| (x(across), y(up))).collect();
            let line: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            let _ = writeln!(svg, "<polyline class=\"{}\" points=\"{}\"/>", one.class, line.join(" "));
            for (x, y) in places {
                let _ = writeln!(svg, "<circle class=\"{}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>", one.class);
            }
        }
    }
}

/// 1, 10, 100, 1k, 1M.
fn short(number: f64) -> String {
    match number {
        ..999.0 => format!("{number:.0}"),
        ..999_999.0 => format!("{:.0}k", number / 1e3),
        _ => format!("{:.0}M", number / 1e6),
    }
}

//! A curve of two figures over a size, as an SVG and as a table.

use plotters::prelude::*;
use std::fmt::Write as _;
use std::path::Path;

const SIZE: (u32, u32) = (720, 360);

/// Points of one curve: a size, how much, and how late.
pub(crate) struct Curve {
    name: &'static str,
    over: &'static str,
    points: Vec<(u64, f64, f64)>,
}

impl Curve {
    pub(crate) fn new(name: &'static str, over: &'static str) -> Self {
        Self {
            name,
            over,
            points: Vec::new(),
        }
    }

    /// At this size, so much a second (or what the name says), and the 99th percentile in milliseconds.
    pub(crate) fn point(&mut self, size: u64, much: f64, late: f64) {
        self.points.push((size, much, late));
    }

    /// Writes the plot, and gives the Markdown of both.
    pub(crate) fn finish(&self, out: &Path) -> String {
        let file = format!("{}.svg", self.name);
        self.draw(&out.join(&file)).expect("the plot can be drawn");
        let mut text = format!(
            "\n![{}]({file})\n\n| {} | a second | p99 ms |\n| ---: | ---: | ---: |\n",
            self.over, self.over
        );
        for (size, much, late) in &self.points {
            writeln!(text, "| {size} | {much:.0} | {late:.1} |").expect("memory takes everything");
        }
        text
    }

    fn draw(&self, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
        let root = SVGBackend::new(path, SIZE).into_drawing_area();
        root.fill(&WHITE)?;
        let most = |figure: fn(&(u64, f64, f64)) -> f64| self.points.iter().map(figure).fold(1.0, f64::max) * 1.1;
        let sizes = self.points.first().map_or(1, |point| point.0)..self.points.last().map_or(2, |point| point.0);
        let mut chart = ChartBuilder::on(&root)
            .caption(self.over, ("sans-serif", 14))
            .margin(12)
            .x_label_area_size(28)
            .y_label_area_size(64)
            .right_y_label_area_size(56)
            .build_cartesian_2d(sizes.clone().log_scale(), 0.0..most(|point| point.1))?
            .set_secondary_coord(sizes.log_scale(), 0.0..most(|point| point.2));
        chart.configure_mesh().y_desc("a second").draw()?;
        chart.configure_secondary_axes().y_desc("p99 ms").draw()?;
        let much = self.points.iter().map(|(size, much, _)| (*size, *much));
        let late = self.points.iter().map(|(size, _, late)| (*size, *late));
        chart
            .draw_series(LineSeries::new(much, &BLUE).point_size(3))?
            .label("a second (left)")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], BLUE));
        chart
            .draw_secondary_series(LineSeries::new(late, &RED).point_size(3))?
            .label("p99 ms (right)")
            .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], RED));
        chart
            .configure_series_labels()
            .background_style(WHITE.mix(0.8))
            .border_style(BLACK)
            .draw()?;
        root.present()?;
        Ok(())
    }
}

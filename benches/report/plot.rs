//! A curve of two figures over a size, as an SVG and as a table.

use plotters::prelude::*;
use std::fmt::Write as _;
use std::path::Path;

const SIZE: (u32, u32) = (720, 360);

/// Points of one curve: a size, and two figures at it.
pub(crate) struct Curve {
    /// Names the plot's file.
    name: &'static str,
    /// What the size is of, and what is done at it.
    over: &'static str,
    /// What the left figure is, with its unit.
    left: &'static str,
    /// What the right figure is, with its unit.
    right: &'static str,
    /// Why it has this shape.
    shape: &'static str,
    points: Vec<(u64, f64, f64)>,
}

impl Curve {
    /// A curve without points.
    pub(crate) fn new(name: &'static str, over: &'static str, figures: [&'static str; 2], shape: &'static str) -> Self {
        let [left, right] = figures;
        Self {
            name,
            over,
            left,
            right,
            shape,
            points: Vec::new(),
        }
    }

    /// The figures at this size.
    pub(crate) fn point(&mut self, size: u64, left: f64, right: f64) {
        self.points.push((size, left, right));
    }

    /// Writes the plot, and gives the Markdown of both.
    pub(crate) fn finish(&self, out: &Path) -> String {
        let file = format!("{}.svg", self.name);
        self.draw(&out.join(&file)).expect("the plot can be drawn");
        let Self { over, left, right, .. } = self;
        let mut text = format!("\n![{over}]({file})\n\n| {over} | {left} | {right} |\n| ---: | ---: | ---: |\n");
        for (size, left, right) in &self.points {
            writeln!(text, "| {size} | {left:.0} | {right:.1} |").expect("memory takes everything");
        }
        writeln!(text, "\n{}", self.shape).expect("memory takes everything");
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
        chart.configure_mesh().y_desc(self.left).draw()?;
        chart.configure_secondary_axes().y_desc(self.right).draw()?;
        let lefts = self.points.iter().map(|(size, left, _)| (*size, *left));
        let rights = self.points.iter().map(|(size, _, right)| (*size, *right));
        chart
            .draw_series(LineSeries::new(lefts, &BLUE).point_size(3))?
            .label(format!("{} (left)", self.left))
            .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], BLUE));
        chart
            .draw_secondary_series(LineSeries::new(rights, &RED).point_size(3))?
            .label(format!("{} (right)", self.right))
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

//! Tables: as text for the terminal, and as Markdown for the documents.

pub struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new<const N: usize>(head: [&str; N]) -> Self {
        Self { head: head.map(str::to_owned).to_vec(), rows: Vec::new() }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// These columns alone, of the rows with all figures that do not vary the one before.
    pub fn short(&self, columns: &[usize]) -> Self {
        let pick = |row: &Vec<String>| columns.iter().map(|&column| row[column].clone()).collect();
        let is_main =
            |row: &&Vec<String>| row[1] != "–" && !row[0].starts_with("the same") && !row[0].starts_with("the least");
        Self { head: pick(&self.head), rows: self.rows.iter().filter(is_main).map(pick).collect() }
    }

    /// Columns of one width each, the first to the left, the others to the right.
    pub fn text(&self) -> String {
        let plain = |line: &Vec<String>| line.iter().map(|cell| cell.replace('`', "")).collect::<Vec<_>>();
        let lines: Vec<_> = [&self.head].into_iter().chain(&self.rows).map(plain).collect();
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<_> = (0..self.head.len()).map(width).collect();
        let mut text = String::new();
        for line in &lines {
            for (at, (cell, &width)) in line.iter().zip(&widths).enumerate() {
                let blanks = " ".repeat(width - cell.chars().count());
                let parts = if at == 0 { [cell, &blanks, ""] } else { ["  ", &blanks, cell] };
                text.extend(parts);
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        text
    }

    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = format!("|---|{}\n", "---:|".repeat(self.head.len() - 1));
        line(&self.head) + &rule + &self.rows.iter().map(|row| line(row)).collect::<String>()
    }
}

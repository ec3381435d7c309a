//! Which of the known shapes a directory holds, told by the columns of its files: names of files mean nothing.

use super::ReplayError;
use super::plan::Shape;
use super::source::Source;
use std::path::Path;

/// What a file is, by its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The log of a course run.
    Log,
    /// Course runs.
    Courses,
    /// What is assessed in them.
    Assessments,
    /// Who takes them.
    Registrations,
    /// What was handed in.
    Submissions,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Log,
        Self::Courses,
        Self::Assessments,
        Self::Registrations,
        Self::Submissions,
    ];

    /// The columns that make a file one of this kind; others do no harm.
    const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Log => &super::moodle::COLUMNS,
            Self::Courses => &["code_module", "code_presentation", "module_presentation_length"],
            Self::Assessments => &["code_module", "code_presentation", "id_assessment", "assessment_type"],
            Self::Registrations => &["code_module", "code_presentation", "id_student", "date_registration"],
            Self::Submissions => &["id_assessment", "id_student", "date_submitted", "is_banked", "score"],
        }
    }

    const fn shape(self) -> Shape {
        match self {
            Self::Log => Shape::Moodle,
            _ => Shape::Oulad,
        }
    }

    /// The file's usual name.
    const fn usual_name(self) -> &'static str {
        match self {
            Self::Log => "a log of a course run",
            Self::Courses => "courses.csv",
            Self::Assessments => "assessments.csv",
            Self::Registrations => "registrations.csv",
            Self::Submissions => "submissions.csv",
        }
    }

    fn missing(self, columns: &[String]) -> Vec<&'static str> {
        let is_missing = |wanted: &&&str| !columns.iter().any(|column| column == **wanted);
        self.columns().iter().filter(is_missing).copied().collect()
    }
}

/// The files of one data set.
#[derive(Debug)]
pub struct DataSet {
    /// Its shape.
    pub shape: Shape,
    /// Its files with their kinds, by name.
    pub files: Vec<(Kind, Source)>,
    /// Other CSV files beside them.
    pub ignored: Vec<String>,
}

/// Looks at every CSV file of a directory.
///
/// # Errors
/// When the directory holds none of the known shapes; the error says what is missing.
pub fn look(directory: &Path) -> Result<DataSet, ReplayError> {
    let unreadable = |cause| ReplayError::Unreadable {
        file: directory.display().to_string(),
        cause,
    };
    let (mut sources, mut folders) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            folders.push(name);
        } else if path.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv")) && !name.starts_with('.') {
            sources.push(Source::on_disk(name, path));
        }
    }
    if sources.is_empty() {
        folders.sort();
        return Err(ReplayError::NoFiles {
            directory: directory.to_owned(),
            folders,
        });
    }
    sort_out(sources)
}

/// Tells what files are.
///
/// # Errors
/// When they are of no known shape, or of both; the error says what is missing.
pub fn sort_out(mut sources: Vec<Source>) -> Result<DataSet, ReplayError> {
    sources.sort_by(|one, other| one.name.cmp(&other.name));
    let (mut files, mut ignored, mut near) = (Vec::new(), Vec::new(), Vec::new());
    for source in sources {
        let columns = source.columns()?;
        match Kind::ALL.into_iter().find(|kind| kind.missing(&columns).is_empty()) {
            Some(kind) => files.push((kind, source)),
            None => {
                near.extend(near_miss(&source.name, &columns));
                ignored.push(source.name);
            }
        }
    }
    let has = |shape| files.iter().any(|(kind, _)| kind.shape() == shape);
    let shape = match (has(Shape::Moodle), has(Shape::Oulad)) {
        (true, true) => return Err(ReplayError::BothShapes),
        (true, false) => Shape::Moodle,
        (false, _) => Shape::Oulad,
    };
    let is_absent = |kind: &Kind| kind.shape() == shape && !files.iter().any(|(other, _)| other == kind);
    let absent: Vec<Kind> = Kind::ALL.into_iter().filter(is_absent).collect();
    // A file that is nearly of this shape is rather a mistake than something to pass over in silence.
    if !absent.is_empty() || near.iter().any(|(kind, _)| kind.shape() == shape) {
        return Err(ReplayError::UnknownShape(missing_text(
            &absent,
            files.is_empty(),
            &near,
        )));
    }
    Ok(DataSet { shape, files, ignored })
}

/// The kind that a file was probably meant to be, and what it lacks.
fn near_miss(name: &str, columns: &[String]) -> Option<(Kind, String)> {
    let missing = |kind: &Kind| kind.missing(columns).len() * 100 / kind.columns().len();
    let kind = Kind::ALL.into_iter().min_by_key(missing)?;
    let lacks = kind.missing(columns);
    (lacks.len() * 2 <= kind.columns().len()).then(|| (kind, format!("{name} lacks the columns {}", lacks.join(", "))))
}

fn missing_text(absent: &[Kind], is_nothing_known: bool, near: &[(Kind, String)]) -> String {
    let mut parts: Vec<String> = near.iter().map(|(_, text)| text.clone()).collect();
    if is_nothing_known {
        let log = Kind::Log.columns().join(",");
        parts.push(format!(
            "no file has the columns of a course log ({log}), nor are there courses, assessments, registrations and submissions"
        ));
    } else {
        for kind in absent {
            let (name, columns) = (kind.usual_name(), kind.columns().join(","));
            parts.push(format!("{name} is missing (a file with the columns {columns})"));
        }
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "time,run,actor_id,affected_id,module_id,group_id,grade_item_id,component,event,context\n";
    const COURSES: &str = "code_module,code_presentation,module_presentation_length\n";
    const ASSESSMENTS: &str = "code_module,code_presentation,id_assessment,assessment_type,date,weight\n";
    const REGISTRATIONS: &str =
        "code_module,code_presentation,id_student,date_registration,date_unregistration,final_result\n";
    const SUBMISSIONS: &str = "id_assessment,id_student,date_submitted,is_banked,score\n";

    fn told(files: &[(&str, &'static str)]) -> Result<Shape, String> {
        let sources = files.iter().map(|(name, text)| Source::shipped(name, text)).collect();
        sort_out(sources)
            .map(|set| set.shape)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn shapes_are_told_by_columns_under_any_name() {
        assert_eq!(told(&[("x.csv", LOG), ("notes.csv", "a,b\n")]), Ok(Shape::Moodle));
        let oulad = [
            ("1.csv", SUBMISSIONS),
            ("2.csv", COURSES),
            ("3.csv", REGISTRATIONS),
            ("4.csv", ASSESSMENTS),
        ];
        assert_eq!(told(&oulad), Ok(Shape::Oulad));
    }

    #[test]
    fn what_is_missing_is_named() {
        for (files, word) in [
            (
                vec![("c.csv", COURSES), ("a.csv", ASSESSMENTS), ("r.csv", REGISTRATIONS)],
                "submissions.csv is missing",
            ),
            (vec![("n.csv", "a,b\n")], "no file has the columns"),
            (
                vec![("l.csv", "time,run,actor_id,event,context,component\n")],
                "l.csv lacks the columns affected_id",
            ),
            (vec![("l.csv", LOG), ("c.csv", COURSES)], "both"),
        ] {
            let error = told(&files).err().unwrap_or_default();
            assert!(error.contains(word), "{error}");
        }
    }
}

//! What the header of a column means: forgiving about case, spaces and marks, in English and German.

use super::Kind;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Column {
    Id,
    Name,
    FirstName,
    LastName,
    Alias,
    Role,
    Team,
    TeamId,
    TeamRole,
    Qualification,
    QualificationId,
    Mentor,
    Skills,
    /// What a node has no place for, on purpose.
    Private,
    Unknown,
}

/// Headers that mean the same for every kind of file, as [`plain`] writes them.
const COMMON: &[(Column, &[&str])] = &[
    (
        Column::Private,
        &[
            "email",
            "emailaddress",
            "mail",
            "mailadresse",
            "emailadresse",
            "phone",
            "telephone",
            "telefon",
            "mobile",
            "handy",
            "birthdate",
            "birthday",
            "dateofbirth",
            "dob",
            "geburtsdatum",
            "geburtstag",
            "address",
            "adresse",
            "street",
            "strasse",
            "city",
            "town",
            "ort",
            "wohnort",
            "zip",
            "plz",
            "postcode",
            "gender",
            "geschlecht",
            "sex",
            "parent",
            "parents",
            "eltern",
            "password",
            "passwort",
        ],
    ),
    (Column::Id, &["id", "nr", "no", "number", "nummer"]),
];

const USERS: &[(Column, &[&str])] = &[
    (
        Column::Id,
        &[
            "userid",
            "studentid",
            "studentnumber",
            "pupilid",
            "learnerid",
            "personid",
            "schuelerid",
            "schuelernr",
            "schuelernummer",
            "matrikelnummer",
            "personalnummer",
        ],
    ),
    (
        Column::Name,
        &[
            "name",
            "fullname",
            "displayname",
            "student",
            "studentname",
            "pupil",
            "pupilname",
            "learner",
            "learnername",
            "participant",
            "person",
            "user",
            "username",
            "vollername",
            "vollstaendigername",
            "vorundnachname",
            "namevorname",
            "schueler",
            "schuelerin",
            "schuelername",
            "lernende",
            "lernender",
            "teilnehmer",
            "teilnehmerin",
        ],
    ),
    (
        Column::FirstName,
        &[
            "firstname",
            "givenname",
            "forename",
            "first",
            "vorname",
            "vornamen",
            "rufname",
        ],
    ),
    (
        Column::LastName,
        &[
            "lastname",
            "surname",
            "familyname",
            "last",
            "nachname",
            "familienname",
            "zuname",
        ],
    ),
    (
        Column::Alias,
        &[
            "alias",
            "nickname",
            "nick",
            "pseudonym",
            "spitzname",
            "codename",
            "screenname",
            "handle",
        ],
    ),
    (Column::Role, &["role", "rolle", "function", "funktion", "type", "typ"]),
    (
        Column::Team,
        &[
            "team",
            "teams",
            "teamname",
            "group",
            "groups",
            "groupname",
            "gruppe",
            "gruppen",
            "gruppenname",
            "class",
            "classname",
            "klasse",
            "form",
            "section",
            "squad",
        ],
    ),
    (
        Column::TeamId,
        &["teamid", "groupid", "classid", "gruppenid", "klassenid"],
    ),
    (
        Column::TeamRole,
        &[
            "teamrole",
            "roleinteam",
            "memberrole",
            "rolleimteam",
            "teamrolle",
            "aufgabe",
        ],
    ),
    (
        Column::Qualification,
        &[
            "qualification",
            "qualifications",
            "qualificationname",
            "course",
            "courses",
            "coursename",
            "subject",
            "subjects",
            "qualifikation",
            "kurs",
            "kurse",
            "fach",
            "faecher",
            "lehrgang",
        ],
    ),
    (
        Column::QualificationId,
        &["qualificationid", "courseid", "subjectid", "qualifikationsid", "kursid"],
    ),
];

const TEAMS: &[(Column, &[&str])] = &[
    (Column::Id, &["teamid", "groupid", "classid", "gruppenid", "klassenid"]),
    (
        Column::Name,
        &[
            "name",
            "team",
            "teamname",
            "group",
            "groupname",
            "gruppe",
            "gruppenname",
            "class",
            "classname",
            "klasse",
            "title",
            "titel",
        ],
    ),
    (
        Column::Mentor,
        &[
            "mentor",
            "mentorid",
            "mentorname",
            "mentorin",
            "teacher",
            "teacherid",
            "tutor",
            "coach",
            "lehrer",
            "lehrerin",
            "lehrkraft",
            "klassenlehrer",
            "klassenlehrerin",
        ],
    ),
];

const UNITS: &[(Column, &[&str])] = &[
    (Column::Id, &["unitid", "lessonid", "moduleid", "einheitid"]),
    (
        Column::Name,
        &[
            "name",
            "title",
            "titel",
            "unit",
            "unitname",
            "unittitle",
            "lesson",
            "module",
            "modul",
            "einheit",
            "lektion",
            "thema",
            "topic",
        ],
    ),
    (
        Column::Qualification,
        &[
            "qualification",
            "qualificationname",
            "course",
            "coursename",
            "subject",
            "qualifikation",
            "kurs",
            "fach",
            "lehrgang",
        ],
    ),
    (
        Column::QualificationId,
        &["qualificationid", "courseid", "subjectid", "qualifikationsid", "kursid"],
    ),
    (
        Column::Skills,
        &[
            "skills",
            "skill",
            "competencies",
            "competences",
            "tags",
            "kompetenz",
            "kompetenzen",
            "faehigkeiten",
        ],
    ),
];

const QUALIFICATIONS: &[(Column, &[&str])] = &[
    (
        Column::Id,
        &["qualificationid", "courseid", "subjectid", "qualifikationsid", "kursid"],
    ),
    (
        Column::Name,
        &[
            "name",
            "title",
            "titel",
            "qualification",
            "qualificationname",
            "course",
            "coursename",
            "subject",
            "qualifikation",
            "kurs",
            "fach",
            "lehrgang",
        ],
    ),
];

/// What a header means in a file of this kind.
pub(super) fn meaning(kind: Kind, header: &str) -> Column {
    let word = plain(header);
    let known = tables(kind).flatten().find(|(_, words)| words.contains(&word.as_str()));
    known.map_or(Column::Unknown, |(column, _)| *column)
}

fn tables(kind: Kind) -> impl Iterator<Item = &'static [(Column, &'static [&'static str])]> {
    let own = match kind {
        Kind::Users => USERS,
        Kind::Teams => TEAMS,
        Kind::Units => UNITS,
        Kind::Qualifications => QUALIFICATIONS,
    };
    [own, COMMON].into_iter()
}

/// A header reduced to its letters and digits: `Full name`, `full_name` and `FULLNAME` are one, and so are `Schüler*in`
/// and `SCHUELERIN`.
fn plain(header: &str) -> String {
    let mut word = String::with_capacity(header.len());
    for c in header
        .chars()
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric())
    {
        match c {
            'ä' => word.push_str("ae"),
            'ö' => word.push_str("oe"),
            'ü' => word.push_str("ue"),
            'ß' => word.push_str("ss"),
            'é' | 'è' | 'ê' => word.push('e'),
            other => word.push(other),
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    const KINDS: [Kind; 4] = [Kind::Users, Kind::Teams, Kind::Units, Kind::Qualifications];

    #[test]
    fn headers_as_schools_write_them_are_understood() {
        for (kind, header, column) in [
            (Kind::Users, "Full name", Column::Name),
            (Kind::Users, "\u{feff}Student", Column::Name),
            (Kind::Users, "Schüler*in", Column::Name),
            (Kind::Users, "Vor- und Nachname", Column::Name),
            (Kind::Users, "E-Mail", Column::Private),
            (Kind::Users, "Student ID", Column::Id),
            (Kind::Users, "  KLASSE ", Column::Team),
            (Kind::Teams, "Klasse", Column::Name),
            (Kind::Teams, "Lehrer/in", Column::Mentor),
            (Kind::Units, "Fähigkeiten", Column::Skills),
            (Kind::Users, "Shoe size", Column::Unknown),
            (Kind::Users, "", Column::Unknown),
        ] {
            assert_eq!(meaning(kind, header), column, "{header:?}");
        }
    }

    #[test]
    fn no_word_means_two_things_in_one_kind_of_file() {
        for kind in KINDS {
            let mut seen = HashMap::new();
            for (column, words) in tables(kind).flatten() {
                for word in *words {
                    assert_eq!(plain(word), *word, "{word} is not in its plain form");
                    assert!(
                        seen.insert(*word, *column).is_none(),
                        "{word} stands twice for {kind:?}"
                    );
                }
            }
        }
    }

    proptest! {
        #[test]
        fn case_and_marks_do_not_change_what_a_header_means(
            kind in proptest::sample::select(KINDS.to_vec()),
            pick in any::<prop::sample::Index>(),
            upper in prop::collection::vec(any::<bool>(), 40),
            marks in prop::collection::vec(proptest::sample::select(vec!["", "", "", " ", "_", "-", ".", "*", "/", "\u{feff}"]), 40),
        ) {
            let all: Vec<(Column, &str)> = tables(kind)
                .flatten()
                .flat_map(|(column, words)| words.iter().map(|word| (*column, *word)))
                .collect();
            let (column, word) = all[pick.index(all.len())];
            let mut header = String::new();
            for (place, letter) in word.chars().enumerate() {
                header.push_str(marks[place]);
                header.extend(if upper[place] { letter.to_uppercase().collect::<Vec<_>>() } else { vec![letter] });
            }
            prop_assert_eq!(meaning(kind, &header), column, "{:?}", header);
        }

        #[test]
        fn any_text_is_a_header_of_some_meaning(kind in proptest::sample::select(KINDS.to_vec()), header in "\\PC*") {
            let _ = meaning(kind, &header);
        }
    }
}

-- Assessment results of course runs, by the rules of the data's readme.
CREATE TABLE qualification AS
SELECT row_number() OVER (ORDER BY code_module, code_presentation) AS id, code_module AS module, code_presentation AS presentation,
       substr(code_presentation, 1, 4) || CASE substr(code_presentation, 5) WHEN 'J' THEN '-10-01' WHEN 'B' THEN '-02-01' END AS start
FROM courses;

CREATE TABLE unit AS
SELECT CAST(a.id_assessment AS INTEGER) AS id, q.id AS qualification
FROM assessments a JOIN qualification q ON q.module = a.code_module AND q.presentation = a.code_presentation;

CREATE TABLE enrolment AS
SELECT q.id AS qualification, CAST(r.id_student AS INTEGER) AS user
FROM registrations r JOIN qualification q ON q.module = r.code_module AND q.presentation = r.code_presentation;

CREATE TABLE student AS SELECT DISTINCT user FROM enrolment;

CREATE TABLE teams_of AS SELECT qualification, (count(*) + 24) / 25 AS n FROM enrolment GROUP BY qualification;

CREATE TABLE member AS
SELECT 1000 * e.qualification + e.user % t.n AS team, e.user FROM enrolment e JOIN teams_of t USING (qualification);

CREATE TABLE team AS
WITH RECURSIVE place (qualification, k, n) AS (
  SELECT qualification, 0, n FROM teams_of UNION ALL SELECT qualification, k + 1, n FROM place WHERE k + 1 < n)
SELECT 1000 * qualification + k AS id, 90000000 + 1000 * qualification + k AS mentor FROM place;

CREATE TABLE handed_in AS
SELECT s.file, s.row, CAST(s.id_student AS INTEGER) AS user, u.id AS unit, s.score,
       date(q.start, s.date_submitted || ' days') || 'T12:00:00.000Z' AS at
FROM submissions s JOIN unit u ON u.id = CAST(s.id_assessment AS INTEGER) JOIN qualification q ON q.id = u.qualification
WHERE s.is_banked = 'False';

CREATE TABLE wish AS
SELECT at, file, row, 1 AS part, user, 'progress' AS kind, unit, 100 AS percentage, NULL AS action, NULL AS reference,
       NULL AS score FROM handed_in
UNION ALL
SELECT at, file, row, 2, user, 'earn', NULL, NULL, 'complete_quiz', unit, score / 100.0 FROM handed_in WHERE score <> '';

CREATE TABLE command AS SELECT row_number() OVER (ORDER BY at, file, row, part) AS nth, * FROM wish;

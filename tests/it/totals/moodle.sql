-- Logs of course runs, by the rules of the data's readme. A day that never was comes out of SQLite as another day.
CREATE TABLE good AS
SELECT file, row, replace(time, 'Z', '.000Z') AS at, run, CAST(actor_id AS INTEGER) AS actor,
       CAST(CASE affected_id WHEN '' THEN actor_id ELSE affected_id END AS INTEGER) AS subject,
       CAST(nullif(module_id, '') AS INTEGER) AS module, CAST(nullif(group_id, '') AS INTEGER) AS grp,
       CAST(nullif(grade_item_id, '') AS INTEGER) AS item, component, event, context
FROM log WHERE strftime('%Y-%m-%dT%H:%M:%SZ', time) = time;

CREATE TABLE qualification AS
SELECT row_number() OVER (ORDER BY run) AS id, run FROM (SELECT DISTINCT run FROM good);

CREATE TABLE staff AS
SELECT DISTINCT actor AS user FROM good WHERE event IN (
  'Course module created', 'Course module updated', 'Course section created', 'Course section updated',
  'Grading table viewed', 'Grading form viewed', 'Role assigned', 'Log report viewed', 'Course created',
  'Course backup created', 'Enrolment instance created', 'Grade item created');

CREATE TABLE by_students AS SELECT * FROM good WHERE subject NOT IN (SELECT user FROM staff);

CREATE TABLE student AS SELECT DISTINCT subject AS user FROM by_students;

CREATE TABLE enrolment AS
SELECT DISTINCT q.id AS qualification, b.subject AS user FROM by_students b JOIN qualification q ON q.run = b.run;

CREATE TABLE unit AS
SELECT module AS id, q.id AS qualification FROM (
  SELECT module, run, row_number() OVER (PARTITION BY module ORDER BY file, row) AS nth
  FROM by_students WHERE event = 'Course module viewed' AND module IS NOT NULL) v
JOIN qualification q ON q.run = v.run WHERE nth = 1;

CREATE TABLE mentor AS
SELECT run, actor AS user FROM (
  SELECT run, actor, row_number() OVER (PARTITION BY run ORDER BY count(*) DESC, actor) AS nth
  FROM good WHERE actor IN (SELECT user FROM staff) GROUP BY run, actor)
WHERE nth = 1;

CREATE TABLE grouping_row AS SELECT * FROM good WHERE event = 'Group member added' AND grp IS NOT NULL;

CREATE TABLE team AS
SELECT DISTINCT g.grp AS id, m.user AS mentor FROM grouping_row g LEFT JOIN mentor m ON m.run = g.run
UNION ALL
SELECT 100000 + q.id, m.user FROM qualification q LEFT JOIN mentor m ON m.run = q.run
WHERE q.run NOT IN (SELECT run FROM grouping_row);

CREATE TABLE member AS
SELECT DISTINCT grp AS team, subject AS user FROM grouping_row WHERE subject IN (SELECT user FROM student)
UNION ALL
SELECT 100000 + e.qualification, e.user FROM enrolment e JOIN qualification q ON q.id = e.qualification
WHERE q.run NOT IN (SELECT run FROM grouping_row);

CREATE TABLE wish AS
SELECT at, file, row, 1 AS part, subject AS user, 'progress' AS kind, module AS unit,
       CASE WHEN component IN ('File', 'URL', 'Folder', 'Page') THEN 100 ELSE 50 END AS percentage,
       NULL AS action, NULL AS reference, NULL AS score
FROM by_students WHERE event = 'Course module viewed' AND module IN (SELECT id FROM unit)
UNION ALL
SELECT at, file, row, 2, subject, 'earn', NULL, NULL, 'read_content', module, NULL
FROM by_students WHERE event = 'Course module viewed' AND module IN (SELECT id FROM unit)
UNION ALL
SELECT at, file, row, 1, subject, 'progress', module, 100, NULL, NULL, NULL
FROM by_students WHERE module IN (SELECT id FROM unit)
 AND event IN ('Submission created.', 'A submission has been submitted.', 'Course activity completion updated')
UNION ALL
SELECT at, file, row, 2, subject, 'earn', NULL, NULL, 'contribute_resource', module, NULL
FROM by_students WHERE module IN (SELECT id FROM unit)
 AND event IN ('Submission created.', 'A submission has been submitted.')
UNION ALL
SELECT at, file, row, 2, subject, 'earn', NULL, NULL, 'complete_quiz', module, NULL
FROM by_students WHERE module IN (SELECT id FROM unit) AND event = 'The submission has been graded.'
UNION ALL
SELECT at, file, row, 2, subject, 'earn', NULL, NULL, 'complete_quiz', 10000000 + item, NULL
FROM by_students WHERE event = 'User graded'
UNION ALL
SELECT at, file, row, 2, subject, 'earn', NULL, NULL, 'community_feedback', module, NULL
FROM by_students WHERE module IN (SELECT id FROM unit) AND event = 'Comment created';

CREATE TABLE command AS SELECT row_number() OVER (ORDER BY at, file, row, part) AS nth, * FROM wish;

-- What commands in their order come to, by the contract: an action for a reference is awarded once, progress never falls.
CREATE TABLE price (action TEXT, points INTEGER);
INSERT INTO price VALUES ('read_content', 10), ('complete_quiz', 50), ('contribute_resource', 25), ('community_feedback', 15);

CREATE INDEX command_of ON command (user, unit);

CREATE TABLE award AS
SELECT nth, at, user, action, reference, points,
       -- For these three a reference that is a unit's id is that unit, and the unit has a qualification.
       (SELECT qualification FROM unit WHERE id = reference AND action IN ('read_content', 'complete_quiz', 'contribute_resource')) AS qualification
FROM (SELECT *, row_number() OVER (PARTITION BY user, action, reference ORDER BY nth) AS time_of FROM command WHERE kind = 'earn')
JOIN price USING (action) WHERE time_of = 1;

CREATE INDEX award_of ON award (user, qualification);

CREATE TABLE total AS
SELECT s.user, coalesce(sum(a.points), 0) AS points,
       (SELECT at FROM award WHERE user = s.user ORDER BY nth DESC LIMIT 1) AS reached_at
FROM student s LEFT JOIN award a ON a.user = s.user GROUP BY s.user;
CREATE UNIQUE INDEX total_of ON total (user);

CREATE TABLE score (board TEXT, id INTEGER, points INTEGER, reached_at TEXT);
INSERT INTO score SELECT 'all', user, points, reached_at FROM total;
INSERT INTO score SELECT 'team:' || team, user, points, reached_at FROM member JOIN total USING (user);
INSERT INTO score
SELECT 'teams', t.id, coalesce(sum(p.points), 0), max(CASE WHEN p.points > 0 THEN p.reached_at END)
FROM team t LEFT JOIN member m ON m.team = t.id LEFT JOIN total p ON p.user = m.user GROUP BY t.id;
-- Who is enrolled, and who has points there without being enrolled: the place of a unit may be another run than one's own.
INSERT INTO score
SELECT 'qualification:' || qualification, user,
       coalesce((SELECT sum(points) FROM award a WHERE a.user = e.user AND a.qualification = e.qualification), 0),
       (SELECT at FROM award a WHERE a.user = e.user AND a.qualification = e.qualification ORDER BY nth DESC LIMIT 1)
FROM (SELECT qualification, user FROM enrolment UNION SELECT qualification, user FROM award WHERE qualification IS NOT NULL) e;

CREATE TABLE board AS
SELECT board, id, points, reached_at, rank() OVER (PARTITION BY board ORDER BY points DESC) AS rank,
       row_number() OVER (PARTITION BY board ORDER BY points DESC, reached_at IS NULL, reached_at, id) AS place
FROM score;
CREATE INDEX board_place ON board (board, place);

CREATE TABLE progress AS
SELECT user, unit, max(percentage) AS percentage, max(at) AS last_at,
       (SELECT at FROM command d WHERE d.user = c.user AND d.unit = c.unit AND percentage = 100 ORDER BY nth LIMIT 1) AS completed_at
FROM command c WHERE kind = 'progress' GROUP BY user, unit;
CREATE INDEX progress_of ON progress (user);

-- Completion counts the units of the qualifications that a learner is enrolled in.
CREATE TABLE completion AS
SELECT e.user, e.qualification, (SELECT count(*) FROM unit u WHERE u.qualification = e.qualification) AS units_total,
       (SELECT count(*) FROM progress p JOIN unit u ON u.id = p.unit
        WHERE p.user = e.user AND u.qualification = e.qualification AND p.percentage = 100) AS units_completed
FROM enrolment e;
CREATE INDEX completion_of ON completion (user);

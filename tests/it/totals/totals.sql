-- What commands in their order come to, by the contract: an action for a reference is awarded once, progress never falls.
CREATE TABLE price (action TEXT, points INTEGER);
INSERT INTO price VALUES ('read_content', 10), ('complete_quiz', 50), ('contribute_resource', 25), ('community_feedback', 15);

CREATE INDEX command_of ON command (user, unit);

CREATE TABLE award AS
SELECT nth, at, user, action, reference, points, score,
       -- For these three a reference that is a unit's id is that unit, and the unit has a qualification.
       (SELECT qualification FROM unit WHERE id = reference AND action IN ('read_content', 'complete_quiz', 'contribute_resource')) AS qualification
FROM (SELECT *, row_number() OVER (PARTITION BY user, action, reference ORDER BY nth) AS time_of FROM command WHERE kind = 'earn')
JOIN price USING (action) WHERE time_of = 1;

CREATE INDEX award_of ON award (user, qualification);
CREATE INDEX award_for ON award (reference, action);

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

-- What the criteria of achievements stand at, where the data has evidence for them at all: percentages, scores from 0 to 1, and counts.
-- A streak is the longest run of scores of at least 0.8 by when they happened.
CREATE TABLE scored AS
SELECT user, score, row_number() OVER (PARTITION BY user ORDER BY at, nth) AS place FROM award WHERE action = 'complete_quiz' AND score IS NOT NULL;
CREATE TABLE streak AS
SELECT user, max(length) AS longest FROM (
  SELECT user, count(*) AS length FROM (
    SELECT user, place - row_number() OVER (PARTITION BY user ORDER BY place) AS run FROM scored WHERE score >= 0.8)
  GROUP BY user, run)
GROUP BY user;

CREATE TABLE criterion AS
SELECT user, 'qualification_completion' AS criterion, max(100.0 * units_completed / max(units_total, 1)) AS current FROM completion GROUP BY user
UNION ALL SELECT user, 'mean_best_score', avg(score) FROM scored GROUP BY user
UNION ALL SELECT user, 'perfect_scores', sum(score = 1) FROM scored GROUP BY user
UNION ALL SELECT user, 'consistent_results', longest FROM streak
UNION ALL SELECT user, 'participation', count(*) FROM award GROUP BY user;
CREATE INDEX criterion_of ON criterion (user);
-- A read without evidence is the use of a resource where only one person had contributed it by then. A fast replay keeps the order
-- of each learner only, so that "by then" has no one answer; these are all reads of theirs by others.
CREATE TABLE most_used AS
SELECT c.user, count(*) AS uses FROM award c JOIN award r ON r.reference = c.reference AND r.user <> c.user
WHERE c.action = 'contribute_resource' AND r.action = 'read_content' GROUP BY c.user;
CREATE UNIQUE INDEX most_used_of ON most_used (user);

-- Teams as a whole. The best mean of a learner's teams is what the success of a team is judged by.
CREATE TABLE team_total AS
SELECT m.team, sum(points) AS points, count(*) AS members,
       avg((SELECT 100.0 * sum(units_completed) / max(sum(units_total), 1) FROM completion c WHERE c.user = m.user)) AS completion,
       sum((SELECT sum(units_completed) FROM completion c WHERE c.user = m.user)) AS units_completed
FROM member m JOIN total USING (user) GROUP BY m.team;
CREATE TABLE best_team AS SELECT m.user, max(1.0 * points / members) AS mean FROM member m JOIN team_total USING (team) GROUP BY m.user;
CREATE UNIQUE INDEX best_team_of ON best_team (user);

-- What learners did, straight from the journal: awards that count, and progress. Nothing here shares code with the node.
CREATE TEMP TABLE facts AS
SELECT e.event_id,
       e.stream_id                                     AS user_id,
       e.occurred_at                                   AS at,
       json_extract(e.body, '$.action')                AS action,
       json_extract(e.body, '$.reference')             AS reference,
       json_extract(e.body, '$.unit')                  AS unit,
       CASE e.event_type WHEN 'progress_made'
            THEN (SELECT u.qualification_id FROM units u WHERE u.unit_id = json_extract(e.body, '$.unit'))
            ELSE json_extract(e.body, '$.qualification') END AS qualification,
       json_extract(e.body, '$.evidence.score')        AS score,
       json_extract(e.body, '$.evidence.quality')      AS quality,
       json_extract(e.body, '$.evidence.rating')       AS rating,
       json_extract(e.body, '$.evidence.resource.user_id')      AS resource_user,
       json_extract(e.body, '$.evidence.resource.reference_id') AS resource_reference,
       json_extract(e.body, '$.completed_at')          AS completed_at,
       e.event_type = 'progress_made'                  AS is_progress
FROM events e
WHERE e.stream_kind = 1
  AND (e.event_type = 'progress_made'
    OR (e.event_type = 'points_awarded'
        AND json_extract(e.body, '$.action') <> 'manual_award'
        AND (SELECT count(*) FROM events r WHERE r.stream_kind = 1 AND r.stream_id = e.stream_id
               AND r.event_type = 'points_reversed' AND json_extract(r.body, '$.of') = e.event_id)
          = (SELECT count(*) FROM events r WHERE r.stream_kind = 1 AND r.stream_id = e.stream_id
               AND r.event_type = 'points_reinstated' AND json_extract(r.body, '$.of') = e.event_id)));

-- What is asked, filled in by each question.
CREATE TEMP TABLE asked (from_at, to_at, team_id, qualification_id, day_offset_at, before_ms, after_ms);
CREATE TEMP TABLE buckets (place INTEGER PRIMARY KEY, from_at, to_at);

-- All of the scope before the end of the range.
CREATE TEMP VIEW asked_f AS
SELECT facts.*, at >= from_at AS is_in_range,
       (at + CASE WHEN at < day_offset_at THEN before_ms ELSE after_ms END) / 86400000 AS day
FROM facts, asked
WHERE at < to_at
  AND (team_id IS NULL OR user_id IN (SELECT m.user_id FROM team_members m WHERE m.team_id = asked.team_id))
  AND (asked.qualification_id IS NULL OR qualification = asked.qualification_id);

CREATE TEMP VIEW asked_placed AS
SELECT f.*, b.place FROM f JOIN buckets b ON f.at >= b.from_at AND f.at < b.to_at;

CREATE TEMP VIEW sessions AS
SELECT place, user_id,
       coalesce(at - lag(at) OVER (PARTITION BY user_id ORDER BY at, event_id) >= 1800000, 1) AS begins
FROM placed;

CREATE TEMP VIEW islands AS
SELECT user_id, count(*) AS days, max(day) AS last_day
FROM (SELECT user_id, day, day - row_number() OVER (PARTITION BY user_id ORDER BY day) AS island
      FROM (SELECT DISTINCT user_id, day FROM f WHERE is_in_range))
GROUP BY user_id, island;

CREATE TEMP VIEW longest AS SELECT user_id, max(days) AS days FROM islands GROUP BY user_id;
CREATE TEMP VIEW current AS
SELECT user_id, days FROM islands, asked
WHERE last_day >= (to_at - 1 + CASE WHEN to_at - 1 < day_offset_at THEN before_ms ELSE after_ms END) / 86400000 - 1;

CREATE TEMP VIEW touches AS
SELECT user_id, unit, min(at) AS begun_at, max(at) AS last_at, max(completed_at) AS completed_at
FROM f WHERE is_progress GROUP BY user_id, unit;

CREATE TEMP VIEW asked_quizzes AS
SELECT * FROM placed WHERE action = 'complete_quiz' AND score IS NOT NULL;

CREATE TEMP VIEW people AS
SELECT u.user_id FROM users u, asked
WHERE CASE WHEN team_id IS NULL THEN u.role = 'student' AND u.archived_at IS NULL
      ELSE u.user_id IN (SELECT m.user_id FROM team_members m WHERE m.team_id = asked.team_id) END;

-- Who is in which qualification: by enrolment, and without any in all.
CREATE TEMP VIEW courses AS
SELECT p.user_id, q.qualification_id FROM people p, qualifications q
WHERE EXISTS (SELECT 1 FROM enrolments e WHERE e.user_id = p.user_id AND e.qualification_id = q.qualification_id)
   OR NOT EXISTS (SELECT 1 FROM enrolments e WHERE e.user_id = p.user_id);

CREATE TEMP VIEW ways AS
SELECT c.user_id, c.qualification_id, min(t.begun_at) AS begun_at, max(t.completed_at) AS completed_at,
       count(t.completed_at) = (SELECT count(*) FROM units u WHERE u.qualification_id = c.qualification_id) AS is_complete
FROM courses c JOIN units u ON u.qualification_id = c.qualification_id
JOIN touches t ON t.unit = u.unit_id AND t.user_id = c.user_id
GROUP BY c.user_id, c.qualification_id;

-- What shows or teaches a skill, in the order of knowledge tracing.
CREATE TEMP VIEW asked_opportunities AS
SELECT user_id, skill, at, is_right, row_number() OVER (PARTITION BY user_id, skill ORDER BY at, kind, id) AS n
FROM (SELECT f.user_id, s.value AS skill, f.at, f.score >= 0.6 AS is_right, 0 AS kind, f.reference AS id
      FROM f JOIN units u ON u.unit_id = f.unit, json_each(u.skills) s
      WHERE f.action = 'complete_quiz' AND f.score IS NOT NULL
      UNION ALL
      SELECT t.user_id, s.value, t.completed_at, NULL, 1, t.unit
      FROM touches t JOIN units u ON u.unit_id = t.unit, json_each(u.skills) s
      WHERE t.completed_at IS NOT NULL);

-- Corbett and Anderson 1994, with the shipped parameters: known 0.2, learn 0.15, guess 0.2, slip 0.1.
CREATE TEMP VIEW asked_traced AS
WITH RECURSIVE traced (user_id, skill, n, at, known) AS (
    SELECT DISTINCT user_id, skill, 0, NULL, 0.2 FROM opportunities
    UNION ALL
    SELECT o.user_id, o.skill, o.n, o.at,
           CASE o.is_right
               WHEN 1 THEN known * 0.9 / (known * 0.9 + (1 - known) * 0.2) * 0.85 + 0.15
               WHEN 0 THEN known * 0.1 / (known * 0.1 + (1 - known) * 0.8) * 0.85 + 0.15
               ELSE known * 0.85 + 0.15 END
    FROM traced t JOIN opportunities o ON o.user_id = t.user_id AND o.skill = t.skill AND o.n = t.n + 1)
SELECT * FROM traced;

CREATE TEMP VIEW used AS
SELECT *, CASE WHEN action = 'contribute_resource' THEN user_id ELSE resource_user END AS contributor,
       CASE WHEN action = 'contribute_resource' THEN reference ELSE coalesce(resource_reference, reference) END AS resource
FROM placed WHERE NOT is_progress;

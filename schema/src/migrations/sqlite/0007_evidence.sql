-- What evidence comes to: resources by contributor, times of quizzes, results of people. All of it is in the journal too, and
-- is made anew from there below. The same columns stand in ../postgres/0007_evidence.sql.

-- Of awards that count: whether the contributor has contributed it, how often others read it, and what they rated it.
CREATE TABLE resources (
    contributor_id INTEGER NOT NULL,
    reference_id   INTEGER NOT NULL,
    contributed    INTEGER NOT NULL,
    uses           INTEGER NOT NULL,
    ratings        INTEGER NOT NULL,
    rating_sum     INTEGER NOT NULL,
    PRIMARY KEY (contributor_id, reference_id)
) STRICT, WITHOUT ROWID;

-- How many completions of a quiz took so long, in milliseconds rounded down to three significant digits, at most 10^9.
CREATE TABLE quiz_times (
    reference_id INTEGER NOT NULL,
    bucket_ms    INTEGER NOT NULL,
    n            INTEGER NOT NULL,
    PRIMARY KEY (reference_id, bucket_ms)
) STRICT, WITHOUT ROWID;

-- Scored quizzes that count and are tied to a unit: what shows skills.
CREATE TABLE user_results (
    user_id      INTEGER NOT NULL,
    reference_id INTEGER NOT NULL,
    unit_id      INTEGER NOT NULL,
    score        REAL    NOT NULL,
    occurred_at  INTEGER NOT NULL,
    PRIMARY KEY (user_id, reference_id)
) STRICT, WITHOUT ROWID;

CREATE TEMPORARY TABLE counted AS
    SELECT event_id, stream_id AS user_id, occurred_at, json_extract(body, '$.action') AS action,
        json_extract(body, '$.reference') AS reference_id, json_extract(body, '$.unit') AS unit_id,
        json_extract(body, '$.evidence.score') AS score, json_extract(body, '$.evidence.duration_ms') AS taken,
        json_extract(body, '$.evidence.resource.user_id') AS contributor_id,
        json_extract(body, '$.evidence.resource.reference_id') AS resource_id,
        json_extract(body, '$.evidence.rating') AS rating
    FROM events
    WHERE stream_kind = 1 AND event_type = 'points_awarded' AND (
        event_id NOT IN (SELECT json_extract(body, '$.of') FROM events WHERE event_type = 'points_reversed')
        OR event_id IN (SELECT json_extract(body, '$.of') FROM events WHERE event_type = 'points_reinstated'));

INSERT INTO resources (contributor_id, reference_id, contributed, uses, ratings, rating_sum)
    SELECT contributor_id, reference_id, SUM(contributed), SUM(uses), SUM(ratings), SUM(rating_sum) FROM (
        SELECT user_id AS contributor_id, reference_id, 1 AS contributed, 0 AS uses, 0 AS ratings, 0 AS rating_sum
        FROM counted WHERE action = 'contribute_resource'
        UNION ALL
        SELECT contributor_id, resource_id, 0, 1, 0, 0
        FROM counted WHERE action = 'read_content' AND contributor_id <> user_id
        UNION ALL
        SELECT contributor_id, resource_id, 0, 0, 1, rating
        FROM counted WHERE action = 'community_feedback' AND contributor_id <> user_id AND rating IS NOT NULL)
    GROUP BY contributor_id, reference_id;

INSERT INTO quiz_times (reference_id, bucket_ms, n)
    SELECT reference_id, taken / step * step, COUNT(*) FROM (
        SELECT reference_id, MIN(taken, 1000000000) AS taken, CASE
            WHEN taken < 1000 THEN 1
            WHEN taken < 10000 THEN 10
            WHEN taken < 100000 THEN 100
            WHEN taken < 1000000 THEN 1000
            WHEN taken < 10000000 THEN 10000
            WHEN taken < 100000000 THEN 100000
            WHEN taken < 1000000000 THEN 1000000
            ELSE 10000000 END AS step
        FROM counted WHERE action = 'complete_quiz' AND taken IS NOT NULL)
    GROUP BY reference_id, taken / step * step;

INSERT INTO user_results (user_id, reference_id, unit_id, score, occurred_at)
    SELECT user_id, reference_id, unit_id, score, occurred_at
    FROM counted WHERE action = 'complete_quiz' AND unit_id IS NOT NULL AND score IS NOT NULL;

DROP TABLE counted;

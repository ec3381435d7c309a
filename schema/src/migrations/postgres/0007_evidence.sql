-- What evidence comes to: resources by contributor, times of quizzes, results of people. All of it is in the journal too. The
-- same columns stand in ../sqlite/0007_evidence.sql. No database of this kind is older than these tables, so none is filled.

-- Of awards that count: whether the contributor has contributed it, how often others read it, and what they rated it.
CREATE TABLE resources (
    contributor_id bigint NOT NULL,
    reference_id   bigint NOT NULL,
    contributed    bigint NOT NULL,
    uses           bigint NOT NULL,
    ratings        bigint NOT NULL,
    rating_sum     bigint NOT NULL,
    PRIMARY KEY (contributor_id, reference_id)
);

-- How many completions of a quiz took so long, in milliseconds rounded down to three significant digits, at most 10^9.
CREATE TABLE quiz_times (
    reference_id bigint NOT NULL,
    bucket_ms    bigint NOT NULL,
    n            bigint NOT NULL,
    PRIMARY KEY (reference_id, bucket_ms)
);

-- Scored quizzes that count and are tied to a unit: what shows skills.
CREATE TABLE user_results (
    user_id      bigint           NOT NULL,
    reference_id bigint           NOT NULL,
    unit_id      bigint           NOT NULL,
    score        double precision NOT NULL,
    occurred_at  timestamptz      NOT NULL,
    PRIMARY KEY (user_id, reference_id)
);

COMMENT ON TABLE resources IS 'What others did with a resource, summed over awards that count';
COMMENT ON TABLE quiz_times IS 'How many completions of a quiz took so long, in milliseconds rounded down to three digits';
COMMENT ON TABLE user_results IS 'Scored quizzes that count and are tied to a unit; score is from 0 to 1';

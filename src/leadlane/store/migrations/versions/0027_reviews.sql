-- The quarterly review: what was made of a quarter, and what people said of its findings.

-- The last review that was made of a period, in a language. `content` is all that its page shows.
CREATE TABLE quarterly_reviews (
    period   text        NOT NULL,
    language text        NOT NULL,
    made_at  timestamptz NOT NULL,
    content  json        NOT NULL,
    PRIMARY KEY (period, language)
);

-- What somebody said of a finding; the last counts, the earlier ones are its history. `finding` is its key, the
-- same in every quarter. `figures` and `proposal` are what it said then.
CREATE TABLE review_verdicts (
    id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    finding  text        NOT NULL,
    period   text        NOT NULL,
    verdict  text        NOT NULL CHECK (verdict IN ('accepted', 'edited', 'dismissed', 'reopened')),
    given_at timestamptz NOT NULL,
    given_by text        NOT NULL,
    reason   text        NOT NULL DEFAULT '',
    figures  json        NOT NULL,
    proposal json        NOT NULL,
    CHECK (verdict <> 'dismissed' OR reason <> '')
);
CREATE INDEX review_verdicts_finding ON review_verdicts (finding, id);

-- A review is made in the background as scenarios are run.
ALTER TABLE workshop_runs DROP CONSTRAINT workshop_runs_kind_check,
    ADD CONSTRAINT workshop_runs_kind_check CHECK (kind IN ('scenarios', 'past', 'review'));

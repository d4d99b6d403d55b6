-- Where a policy is made: drafts, the scenarios that are kept with it, and what is being tried.

-- One draft for each user. `edition` counts its changes, so that two windows do not overwrite each other;
-- `begun_from` is the publication that it changes, 0 for none. One that is put away can be taken up again.
CREATE TABLE policy_drafts (
    user_id    text        PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    content    text        NOT NULL,
    edition    integer     NOT NULL,
    begun_from bigint      NOT NULL,
    changed_at timestamptz NOT NULL,
    put_away   boolean     NOT NULL DEFAULT false
);

-- Scenario files, by the name of the file. One that was removed can be taken back.
CREATE TABLE policy_scenarios (
    name       text        PRIMARY KEY,
    content    text        NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by text        NOT NULL,
    removed    boolean     NOT NULL DEFAULT false
);

-- What somebody tries with a draft that takes a while: the last of each kind. A new one takes its place, and
-- whoever works on the old one finds it gone and stops. `heard_at` tells those that nobody works on any more.
CREATE TABLE workshop_runs (
    user_id     text        NOT NULL REFERENCES users ON DELETE CASCADE,
    kind        text        NOT NULL CHECK (kind IN ('scenarios', 'past')),
    id          uuid        NOT NULL,
    version     text        NOT NULL,
    started_at  timestamptz NOT NULL,
    heard_at    timestamptz NOT NULL,
    finished_at timestamptz,
    done        integer     NOT NULL DEFAULT 0,
    total       integer     NOT NULL DEFAULT 0,
    problem     text        NOT NULL DEFAULT '',
    result      json,
    PRIMARY KEY (user_id, kind)
);

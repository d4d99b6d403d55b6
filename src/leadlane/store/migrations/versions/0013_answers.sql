-- Links by which a person answers a message in place. The token itself is kept nowhere, only its hash.

CREATE TABLE answers (
    hash       bytea PRIMARY KEY,
    lead_id    text        NOT NULL,
    place      integer     NOT NULL,
    person     text        NOT NULL,
    verb       text        NOT NULL CHECK (verb IN ('accept', 'decline', 'responded', 'snooze')),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX answers_expired ON answers (expires_at);

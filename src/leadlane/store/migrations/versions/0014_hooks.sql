-- Webhooks that others call: how each is read, by what its sender is known, and what came in.

-- `source` is the mapping as it was written. `refused_at` and `refusal` tell of the last request that proved
-- not to come from the sender: of such nothing else is kept.
CREATE TABLE hooks (
    name       text PRIMARY KEY,
    source     text        NOT NULL,
    changed_at timestamptz NOT NULL,
    refused_at timestamptz,
    refusal    text
);

-- What a signature is made with must be kept as it is; of a secret that is sent itself, a hash is kept.
CREATE TABLE hook_secrets (
    hook        text        NOT NULL REFERENCES hooks,
    purpose     text        NOT NULL CHECK (purpose IN ('signature', 'handshake')),
    secret      bytea       NOT NULL,
    created_at  timestamptz NOT NULL,
    valid_until timestamptz,
    PRIMARY KEY (hook, purpose, secret)
);

-- A row for everything that came from a sender. The body is there until its leads are routed.
CREATE TABLE hook_deliveries (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hook         text        NOT NULL REFERENCES hooks,
    delivery_id  text,
    body_hash    bytea       NOT NULL,
    content_type text        NOT NULL,
    body         bytea,
    received_at  timestamptz NOT NULL,
    state        text        NOT NULL CHECK (state IN ('received', 'routed', 'ignored', 'program', 'failed')),
    problems     json        NOT NULL DEFAULT '[]',
    leads        text[]      NOT NULL DEFAULT '{}',
    finished_at  timestamptz,
    CHECK (body IS NOT NULL OR state = 'routed')
);
CREATE INDEX hook_deliveries_same ON hook_deliveries (hook, body_hash, received_at);
CREATE INDEX hook_deliveries_open ON hook_deliveries (state, id) WHERE state <> 'routed';

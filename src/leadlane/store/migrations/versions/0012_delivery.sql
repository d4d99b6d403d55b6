-- How people and machines hear of it: what is sent of the outbox, by which channel, and how that ended.

-- A row of the outbox is taken once: by then it has become deliveries, or there was nobody to tell.
ALTER TABLE outbox RENAME sent_at TO taken_at;

-- Ways by which messages leave: 'email', 'webhook:NAME'. One row each, once it has been configured: whoever
-- sends by it locks the row. It gets nothing that happened before `since`, and nothing while it is paused.
CREATE TABLE channels (
    name         text PRIMARY KEY,
    since        timestamptz NOT NULL,
    failures     integer     NOT NULL DEFAULT 0,
    down_since   timestamptz,
    paused_until timestamptz,
    free_at      timestamptz,
    error        text
);

-- A message to a person tells of several rows of the outbox at once; one to a machine of one, and its body is
-- kept as it was first made, so that it stays the same however often it is sent.
-- next_at: when it is tried next; while it is being sent, when whoever sends it is taken for dead.
-- tried: the channels that did not work before this one.
CREATE TABLE deliveries (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid         uuid        NOT NULL DEFAULT gen_random_uuid(),
    channel     text        NOT NULL,
    person      text,
    address     text        NOT NULL,
    lead_id     text,
    body        text,
    tried       text[]      NOT NULL DEFAULT '{}',
    state       text        NOT NULL CHECK (
        state IN ('waiting', 'sending', 'sent', 'uncertain', 'failed', 'dead', 'moot')
    ),
    attempts    integer     NOT NULL DEFAULT 0,
    next_at     timestamptz NOT NULL,
    error       text,
    message_id  text,
    created_at  timestamptz NOT NULL,
    finished_at timestamptz,
    CHECK ((person IS NULL) = (body IS NOT NULL)),
    CHECK ((finished_at IS NULL) = (state IN ('waiting', 'sending')))
);
-- What happens while a person's message waits becomes part of it.
CREATE UNIQUE INDEX deliveries_waiting_person ON deliveries (person) WHERE state = 'waiting' AND person IS NOT NULL;
CREATE INDEX deliveries_sending_person ON deliveries (person) WHERE state = 'sending' AND person IS NOT NULL;
CREATE INDEX deliveries_waiting ON deliveries (channel, next_at, id) WHERE state = 'waiting';
CREATE INDEX deliveries_sending ON deliveries (next_at) WHERE state = 'sending';
-- What is sent to a machine of one lead is sent in order.
CREATE INDEX deliveries_lead ON deliveries (channel, lead_id, id)
    WHERE state IN ('waiting', 'sending') AND person IS NULL;
CREATE INDEX deliveries_sent ON deliveries (person, finished_at) WHERE state = 'sent' AND person IS NOT NULL;
CREATE INDEX deliveries_state ON deliveries (state, id) WHERE state IN ('uncertain', 'failed', 'dead');

CREATE TABLE delivery_items (
    delivery_id bigint NOT NULL REFERENCES deliveries ON DELETE CASCADE,
    outbox_id   bigint NOT NULL,
    PRIMARY KEY (delivery_id, outbox_id)
);
CREATE INDEX delivery_items_outbox ON delivery_items (outbox_id);

-- A notification costs its commit a lock that all of them share: none is made where nothing can be sent.
CREATE FUNCTION wake_senders() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM channels) THEN
        PERFORM pg_notify('leadlane_outbox', '');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER wake_senders AFTER INSERT ON outbox FOR EACH STATEMENT EXECUTE FUNCTION wake_senders();

-- What reports read: what is known of every lead, in a form in which a million leads are read at once. All of it is
-- derived, and is made from the other tables as they change (docs/decisions/0008-facts.md).

-- Who was told of which lead, when and by which channel; kept when the messages themselves no longer are.
CREATE TABLE tellings (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lead_id text        NOT NULL,
    person  text        NOT NULL,
    at      timestamptz NOT NULL,
    channel text        NOT NULL
);
CREATE INDEX tellings_lead ON tellings (lead_id, person, at);

CREATE FUNCTION note_telling() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tellings (lead_id, person, at, channel)
    SELECT o.lead_id, NEW.person, NEW.finished_at, NEW.channel
      FROM delivery_items AS i JOIN outbox AS o ON o.id = i.outbox_id
     WHERE i.delivery_id = NEW.id AND o.lead_id IS NOT NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER note_telling AFTER INSERT ON deliveries FOR EACH ROW
    WHEN (NEW.state = 'sent' AND NEW.person IS NOT NULL) EXECUTE FUNCTION note_telling();
CREATE TRIGGER note_later_telling AFTER UPDATE ON deliveries FOR EACH ROW
    WHEN (NEW.state = 'sent' AND OLD.state <> 'sent' AND NEW.person IS NOT NULL) EXECUTE FUNCTION note_telling();

INSERT INTO tellings (lead_id, person, at, channel)
SELECT o.lead_id, d.person, d.finished_at, d.channel
  FROM deliveries AS d
  JOIN delivery_items AS i ON i.delivery_id = d.id
  JOIN outbox AS o ON o.id = i.outbox_id
 WHERE d.state = 'sent' AND d.person IS NOT NULL AND o.lead_id IS NOT NULL
 ORDER BY d.finished_at;

-- A row for each lead. `packed` is a record of fixed width (insight/facts.py says which), where texts are
-- numbers of `fact_names`; `version` tells which state of the lead's row it was made from. What may be read by
-- is beside it: `respond_by` is null where nothing was promised. When records change their form, a migration
-- empties the table and sets `facts_read` back: all of it is made anew.
CREATE TABLE lead_facts (
    lead_id    text PRIMARY KEY,
    arrived_at timestamptz NOT NULL,
    respond_by timestamptz,
    is_merged  boolean     NOT NULL,
    version    bigint      NOT NULL,
    packed     bytea       NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX lead_facts_arrived ON lead_facts (arrived_at);
CREATE INDEX lead_facts_respond_by ON lead_facts (respond_by) WHERE respond_by IS NOT NULL;

-- The leads that arrived in a month (UTC): what is kept elsewhere of them is true while the edition is the same.
CREATE TABLE fact_months (
    month           date PRIMARY KEY,
    edition         uuid        NOT NULL,
    changed_at      timestamptz NOT NULL,
    last_respond_by timestamptz
) WITH (fillfactor = 50);

CREATE TABLE fact_names (
    code integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);

-- Up to which row each table has been read for facts. Whoever reads on locks it.
CREATE TABLE facts_read (
    source text PRIMARY KEY CHECK (source IN ('timeline', 'tellings')),
    up_to  bigint NOT NULL
) WITH (fillfactor = 50);
INSERT INTO facts_read VALUES ('timeline', 0), ('tellings', 0);

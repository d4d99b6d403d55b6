-- Who a lead is: by which keys its person is found, which account it belongs to, and what became of one
-- that was somebody else's.
ALTER TABLE leads
    ADD phone_key   text,
    ADD name_key    text,
    ADD account_id  text,
    -- The account is known by likeness or because a person said so, not by the domain.
    ADD linked      boolean NOT NULL DEFAULT false,
    -- A person is to say who it is.
    ADD unsure      boolean NOT NULL DEFAULT false,
    ADD merged_into text REFERENCES leads;

CREATE INDEX leads_open_phone ON leads (phone_key, arrived_at, id)
    WHERE stage <> 'closed' AND phone_key IS NOT NULL;
CREATE INDEX leads_open_name ON leads (name_key, arrived_at, id)
    WHERE stage <> 'closed' AND name_key IS NOT NULL;
CREATE INDEX leads_worked_account ON leads (account_id, arrived_at, id)
    WHERE stage IN ('assigned', 'accepted', 'working') AND linked;
CREATE INDEX leads_merged ON leads (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX lead_aliases_lead ON lead_aliases (lead_id);

-- The lead that goes by an id now: its own, or the one that it was merged into, however often.
CREATE FUNCTION lead_now(wanted text) RETURNS text LANGUAGE sql STABLE AS $$
    WITH RECURSIVE chain (id, into_id) AS (
        SELECT id, merged_into FROM leads
         WHERE id = coalesce((SELECT lead_id FROM lead_aliases WHERE lead_aliases.id = wanted), wanted)
        UNION
        SELECT l.id, l.merged_into FROM leads l JOIN chain ON l.id = chain.into_id
    )
    SELECT id FROM chain WHERE into_id IS NULL LIMIT 1
$$;

-- Pairs that a person has told apart: never suggested again. `one` is the smaller id.
CREATE TABLE kept_apart (
    kind  text        NOT NULL CHECK (kind IN ('lead', 'account')),
    one   text        NOT NULL,
    other text        NOT NULL,
    at    timestamptz NOT NULL,
    by    text,
    PRIMARY KEY (kind, one, other),
    CHECK (one < other)
);

ALTER TABLE decisions DROP CONSTRAINT decisions_outcome_check;
ALTER TABLE decisions ADD CONSTRAINT decisions_outcome_check CHECK (outcome IN (
    'placed', 'merged', 'kept', 'moved', 'accepted', 'touched', 'planned', 'reassigned', 'reviewed', 'closed',
    'chased', 'served', 'covered', 'returned', 'identified', 'joined', 'split'));

-- The clocks that run are a small index over rows that change often: dead entries in it make every pass slower,
-- so this table is cleaned up long before a fifth of it has changed.
ALTER TABLE leads SET (autovacuum_vacuum_scale_factor = 0.02);

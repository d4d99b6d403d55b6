-- The chase: who has had a lead since when, when the next step is due, and what people did.

ALTER TABLE leads
    -- A lead keeps the policy that it was routed by until it is routed again.
    ADD policy_version text,
    ADD held_since     timestamptz,
    ADD chase_at       timestamptz,
    ADD chased         integer NOT NULL DEFAULT 0,
    ADD reassigned     integer NOT NULL DEFAULT 0,
    ADD closed_at      timestamptz,
    ADD outcome        text,
    ADD value          float8;
UPDATE leads SET policy_version = batches.policy_version FROM batches WHERE batches.id = leads.batch_id;
ALTER TABLE leads ALTER policy_version SET NOT NULL;

-- What is due is found by this index alone, whatever the number of open leads.
CREATE INDEX leads_due ON leads (chase_at, id) WHERE chase_at IS NOT NULL;
-- Leads that somebody covers, and those that somebody must cover when their owner goes away.
CREATE INDEX leads_covered ON leads (owner) WHERE covered_by IS NOT NULL AND stage <> 'closed';
CREATE INDEX leads_protected ON leads (owner)
    WHERE destination LIKE 'owner:%' AND stage IN ('assigned', 'accepted') AND covered_by IS NULL;

ALTER TABLE decisions DROP CONSTRAINT decisions_outcome_check;
ALTER TABLE decisions ADD CHECK (outcome IN (
    'placed', 'merged', 'kept', 'moved', 'accepted', 'touched', 'reassigned', 'reviewed', 'closed',
    'chased', 'served', 'covered', 'returned'));

-- Every touch of a prospect, by whom and how.
CREATE TABLE touches (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lead_id text        NOT NULL,
    at      timestamptz NOT NULL,
    person  text,
    kind    text        NOT NULL,
    note    text        NOT NULL DEFAULT ''
);
CREATE INDEX touches_lead ON touches (lead_id, at);

-- Up to when absences and new days have been looked after: one row.
CREATE TABLE rounds (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    made_up_to timestamptz
);
INSERT INTO rounds DEFAULT VALUES;

-- A person is told again by another channel unless they have done something by then; a digest each morning; a
-- review is answered from the mail; and what ended long ago is found.

-- unless: this message is a further one, only wanted while the lead is not accepted, or nobody has responded.
ALTER TABLE deliveries ADD COLUMN unless text CHECK (unless IN ('accepted', 'responded'));
DROP INDEX deliveries_waiting_person;
CREATE UNIQUE INDEX deliveries_waiting_person ON deliveries (person)
    WHERE state = 'waiting' AND person IS NOT NULL AND unless IS NULL;
CREATE INDEX deliveries_waiting_again ON deliveries (person, channel, next_at, id)
    WHERE state = 'waiting' AND unless IS NOT NULL;
CREATE INDEX deliveries_ended ON deliveries (finished_at) WHERE state IN ('sent', 'failed', 'moot');
CREATE INDEX outbox_taken ON outbox (taken_at) WHERE taken_at IS NOT NULL;

-- One row for each person and local day that has begun: it was looked at whether there is anything to say.
CREATE TABLE digests (
    person text NOT NULL,
    day    date NOT NULL,
    PRIMARY KEY (person, day)
);
-- It says nothing of one lead, and its words are made when it is sent.
ALTER TABLE outbox DROP CONSTRAINT outbox_check, ADD CONSTRAINT outbox_check CHECK (
    CASE WHEN lead_id IS NULL THEN place IS NULL AND (reason IS NOT NULL OR event = 'digest')
         ELSE place IS NOT NULL END
);

-- Who it is that a lead is from can be said from the mail too.
ALTER TABLE answers DROP CONSTRAINT answers_verb_check, ADD CONSTRAINT answers_verb_check CHECK (
    verb IN ('accept', 'decline', 'responded', 'snooze', 'identify')
);

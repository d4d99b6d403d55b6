-- Workers that are woken, and alarms that go out once.

-- Workers look at the clock themselves at least every minute. What is written to be due sooner than that, and
-- what changes who is there, wakes them. A notification costs its commit a lock that all of them share, so the
-- usual lead, whose first step is due later, must not make one.
CREATE FUNCTION wake_workers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('leadlane_due', '');
    RETURN NULL;
END
$$;
CREATE TRIGGER wake_workers AFTER INSERT OR UPDATE ON leads FOR EACH ROW
    WHEN (NEW.chase_at <= NEW.changed_at + interval '1 minute') EXECUTE FUNCTION wake_workers();
CREATE TRIGGER wake_workers AFTER UPDATE ON roster_revision FOR EACH STATEMENT EXECUTE FUNCTION wake_workers();
CREATE TRIGGER wake_workers AFTER INSERT ON publications FOR EACH STATEMENT EXECUTE FUNCTION wake_workers();

-- Which roster the last round knew: people who were changed since then are looked after in the next one.
-- When everything was last compared with everything.
ALTER TABLE rounds ADD roster_revision bigint, ADD watched_at timestamptz;

-- Who waits in line, by pool and in order: the pools waited for are found by stepping through this index.
DROP INDEX leads_waiting;
CREATE INDEX leads_waiting ON leads (waiting_pool, arrived_at, id)
    WHERE waiting_pool IS NOT NULL AND stage = 'review';

-- Whoever is away is covered also where they had begun to work.
DROP INDEX leads_protected;
CREATE INDEX leads_protected ON leads (owner)
    WHERE destination LIKE 'owner:%' AND stage IN ('assigned', 'accepted', 'working') AND covered_by IS NULL;

-- What is wrong at present, and since when. An alarm goes out when a row comes, none while it stays.
CREATE TABLE alarms (
    kind   text PRIMARY KEY,
    since  timestamptz NOT NULL,
    reason text        NOT NULL
);

-- An alarm may be about no single lead: then it says in words what it is about.
ALTER TABLE outbox ALTER lead_id DROP NOT NULL, ALTER place DROP NOT NULL, ADD reason text,
    ADD CHECK (CASE WHEN lead_id IS NULL THEN place IS NULL AND reason IS NOT NULL ELSE place IS NOT NULL END);

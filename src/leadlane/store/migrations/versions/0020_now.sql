-- What happens now, and what waits for a person to decide: found by index, whatever has been routed before.

-- Promises that nobody has kept yet, by whose they are.
CREATE INDEX leads_promised ON leads (owner, respond_by, id)
    WHERE owner IS NOT NULL AND respond_by IS NOT NULL AND responded_at IS NULL AND stage <> 'closed';

-- What waits in review, in the order in which it is looked at: by promise, then by age.
CREATE INDEX leads_review ON leads (
    (coalesce(CASE WHEN responded_at IS NULL THEN respond_by END, 'infinity'::timestamptz)), arrived_at, id)
    WHERE stage = 'review';

-- Open pages hear of what goes wrong too (the topic `health`); 0024_live.sql has the functions that tell them.
CREATE FUNCTION tell_of_health() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF is_watched() THEN
        PERFORM tell_topics(ARRAY['health']);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER tell_of_health AFTER INSERT OR DELETE ON alarms FOR EACH STATEMENT EXECUTE FUNCTION tell_of_health();
CREATE TRIGGER tell_of_health AFTER UPDATE ON channels FOR EACH ROW
    WHEN (OLD.down_since IS DISTINCT FROM NEW.down_since) EXECUTE FUNCTION tell_of_health();
CREATE TRIGGER tell_of_health AFTER UPDATE ON deliveries FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND (OLD.state IN ('uncertain', 'failed', 'dead') OR NEW.state IN ('uncertain', 'failed', 'dead')))
    EXECUTE FUNCTION tell_of_health();
CREATE TRIGGER tell_of_health AFTER UPDATE ON hook_deliveries FOR EACH ROW
    WHEN (OLD.state <> NEW.state AND (OLD.state = 'failed' OR NEW.state = 'failed')) EXECUTE FUNCTION tell_of_health();

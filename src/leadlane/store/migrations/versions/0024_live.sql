-- Open pages hear of what changes.

-- Processes that have pages open, each for a short while ahead. A notification costs its commit a lock that all
-- of them share: none is made where nobody looks.
CREATE UNLOGGED TABLE watchers (
    process text PRIMARY KEY,
    until   timestamptz NOT NULL
);

-- Topics are told as hashes, because ids of leads may be long and a notification may not.
CREATE FUNCTION topic_hash(topic text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT left(md5(topic), 12)
$$;

CREATE FUNCTION tell_topics(topics text[]) RETURNS void LANGUAGE sql AS $$
    SELECT pg_notify('leadlane_changed', string_agg(hash, ' '))
    FROM (
        SELECT topic_hash(topic) AS hash, (row_number() OVER ()) / 500 AS part
        FROM (SELECT DISTINCT topic FROM unnest(topics) AS topic WHERE topic IS NOT NULL) AS different
    ) AS parts
    GROUP BY part
$$;

CREATE FUNCTION is_watched() RETURNS boolean LANGUAGE sql AS $$
    SELECT EXISTS (SELECT FROM watchers WHERE until > clock_timestamp())
$$;

CREATE FUNCTION tell_of_leads() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    topics text[];
BEGIN
    IF NOT is_watched() THEN
        RETURN NULL;
    END IF;
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(topic) INTO topics FROM after_it AS l, lead_topics(l.id, l.owner, l.covered_by, l.pool, l.waiting_pool, l.stage) AS topic;
    ELSE
        SELECT array_agg(topic) INTO topics FROM (SELECT * FROM before_it UNION ALL SELECT * FROM after_it) AS l,
            lead_topics(l.id, l.owner, l.covered_by, l.pool, l.waiting_pool, l.stage) AS topic;
    END IF;
    IF topics IS NOT NULL THEN
        PERFORM tell_topics(topics || 'all'::text);
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION lead_topics(id text, owner text, covered_by text, pool text, waiting_pool text, stage text)
RETURNS SETOF text LANGUAGE sql IMMUTABLE AS $$
    SELECT topic FROM (VALUES
        ('lead:' || id), ('person:' || owner), ('person:' || covered_by), ('pool:' || pool),
        ('pool:' || waiting_pool), (CASE WHEN stage = 'review' THEN 'review' END)
    ) AS topics (topic)
$$;

CREATE TRIGGER tell_of_new_leads AFTER INSERT ON leads REFERENCING NEW TABLE AS after_it
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_leads();
CREATE TRIGGER tell_of_leads AFTER UPDATE ON leads REFERENCING OLD TABLE AS before_it NEW TABLE AS after_it
    FOR EACH STATEMENT EXECUTE FUNCTION tell_of_leads();

CREATE FUNCTION tell_of_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF is_watched() THEN
        PERFORM tell_topics(ARRAY['all', TG_ARGV[0]]);
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER tell_of_people AFTER UPDATE ON roster_revision FOR EACH STATEMENT EXECUTE FUNCTION tell_of_rules('roster');
CREATE TRIGGER tell_of_policy AFTER INSERT ON publications FOR EACH STATEMENT EXECUTE FUNCTION tell_of_rules('policy');

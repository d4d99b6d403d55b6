-- How often is a route used, and how often do people override it? Counted as it happens, in the same commit: a page
-- that counts decisions would grow with them.

-- A day (UTC) has a few rows for a route, so that those who decide at the same moment do not wait for each other.
CREATE TABLE route_use (
    route       text        NOT NULL,
    day         date        NOT NULL,
    part        smallint    NOT NULL,
    placed      integer     NOT NULL DEFAULT 0,
    handed_over integer     NOT NULL DEFAULT 0,
    declined    integer     NOT NULL DEFAULT 0,
    disputed    integer     NOT NULL DEFAULT 0,
    placed_at   timestamptz,
    PRIMARY KEY (day, route, part)
) WITH (fillfactor = 50);
CREATE INDEX route_use_route ON route_use (route, day);

-- What a decision counts as. What is taken back counts too: somebody thought otherwise for a while.
CREATE FUNCTION route_use_of(outcome text, trace json) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN outcome IN ('placed', 'moved') THEN 'placed'
        WHEN outcome = 'disputed' THEN 'disputed'
        WHEN outcome = 'reassigned' THEN
            CASE trace->'act'->>'kind' WHEN 'decline' THEN 'declined' WHEN 'reassign' THEN 'handed_over' END
    END
$$;

CREATE FUNCTION count_route_use() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO route_use AS u (route, day, part, placed, handed_over, declined, disputed, placed_at)
    SELECT route, (at AT TIME ZONE 'UTC')::date, pg_backend_pid() % 8,
           count(*) FILTER (WHERE use = 'placed'), count(*) FILTER (WHERE use = 'handed_over'),
           count(*) FILTER (WHERE use = 'declined'), count(*) FILTER (WHERE use = 'disputed'),
           max(at) FILTER (WHERE use = 'placed')
      FROM (SELECT route, at, route_use_of(outcome, trace) AS use FROM decided) AS counted
     WHERE use IS NOT NULL
     GROUP BY 1, 2, 3
     ORDER BY 1, 2 -- always in this order: two who count the same routes wait for each other, and no longer
    ON CONFLICT (day, route, part) DO UPDATE
       SET placed = u.placed + excluded.placed, handed_over = u.handed_over + excluded.handed_over,
           declined = u.declined + excluded.declined, disputed = u.disputed + excluded.disputed,
           placed_at = greatest(u.placed_at, excluded.placed_at);
    RETURN NULL;
END
$$;
CREATE TRIGGER count_route_use AFTER INSERT ON decisions REFERENCING NEW TABLE AS decided
    FOR EACH STATEMENT EXECUTE FUNCTION count_route_use();

-- What was decided before.
INSERT INTO route_use (route, day, part, placed, handed_over, declined, disputed, placed_at)
SELECT route, (at AT TIME ZONE 'UTC')::date, 0,
       count(*) FILTER (WHERE use = 'placed'), count(*) FILTER (WHERE use = 'handed_over'),
       count(*) FILTER (WHERE use = 'declined'), count(*) FILTER (WHERE use = 'disputed'),
       max(at) FILTER (WHERE use = 'placed')
  FROM (SELECT route, at, route_use_of(outcome, trace) AS use FROM decisions
         WHERE outcome IN ('placed', 'moved', 'disputed', 'reassigned')) AS counted
 WHERE use IS NOT NULL
 GROUP BY 1, 2;

-- The latest leads of a route, without a look at what acts were done on them.
CREATE INDEX decisions_placed ON decisions (route, at DESC) WHERE outcome IN ('placed', 'moved');

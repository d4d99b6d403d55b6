-- How the rules did in a period is read without looking at what they did alone.

-- What people had to do with: few of the decisions, and no usual arrival is among them.
CREATE INDEX decisions_by_people ON decisions (at)
    WHERE outcome IN ('reassigned', 'reviewed', 'disputed', 'served')
       OR destination LIKE 'review:%' AND outcome IN ('placed', 'moved', 'chased');
CREATE INDEX timeline_merged ON timeline (at) WHERE event = 'merged';
CREATE INDEX touches_at ON touches (at);

-- Taking back what one did is not a second time that somebody thought otherwise.
CREATE OR REPLACE FUNCTION route_use_of(outcome text, trace json) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN outcome IN ('placed', 'moved') THEN 'placed'
        WHEN outcome = 'disputed' THEN 'disputed'
        WHEN outcome = 'reassigned' THEN
            CASE WHEN trace->'act'->>'kind' = 'decline' THEN 'declined'
                 WHEN trace->'act'->>'kind' = 'reassign' AND trace->'act'->>'reason' IS DISTINCT FROM 'undone' THEN 'handed_over'
            END
    END
$$;

-- Those that were counted so before. A part of a day may go below nothing: what counts is their sum.
INSERT INTO route_use AS u (route, day, part, handed_over)
SELECT route, (at AT TIME ZONE 'UTC')::date, 0, -count(*)
  FROM decisions
 WHERE outcome = 'reassigned' AND trace->'act'->>'kind' = 'reassign' AND trace->'act'->>'reason' = 'undone'
 GROUP BY 1, 2
ON CONFLICT (day, route, part) DO UPDATE SET handed_over = u.handed_over + excluded.handed_over;

-- Whoever answers by a message without a link, such as SMS, is asked what they were told of last.
CREATE INDEX answers_person ON answers (person, created_at);

-- What people did with a lead beside its route is in the facts: they have another form, and are all made anew.
TRUNCATE lead_facts, fact_months;
UPDATE facts_read SET up_to = 0;
DROP INDEX decisions_by_people;

-- What reports count by a period is in the index: no row of a long table is looked up for it.
DROP INDEX timeline_merged;
CREATE INDEX timeline_merged ON timeline (at) INCLUDE (lead_id) WHERE event = 'merged';
DROP INDEX touches_at;
CREATE INDEX touches_at ON touches (at) INCLUDE (lead_id, person, kind);

-- Next steps: people plan them, and every lead that somebody has, has one with a due date.

ALTER TABLE decisions DROP CONSTRAINT decisions_outcome_check;
ALTER TABLE decisions ADD CONSTRAINT decisions_outcome_check CHECK (outcome IN (
    'placed', 'merged', 'kept', 'moved', 'accepted', 'touched', 'planned', 'reassigned', 'reviewed',
    'closed', 'chased', 'served', 'covered', 'returned'));

UPDATE leads
   SET next_step = coalesce(next_step, CASE stage WHEN 'review' THEN 'Decide who takes this lead'
                                                  ELSE 'Respond' END),
       next_step_due_at = coalesce(next_step_due_at, respond_by, arrived_at + interval '1 day')
 WHERE owner IS NOT NULL AND stage IN ('assigned', 'accepted', 'working', 'review')
   AND (next_step IS NULL OR next_step_due_at IS NULL);

-- Leads by who covers them: who covers may go away too.
CREATE INDEX leads_covering ON leads (covered_by) WHERE covered_by IS NOT NULL AND stage <> 'closed';

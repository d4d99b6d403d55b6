-- A rep's day: what somebody has in hand, and what people say the rules got wrong.

ALTER TABLE decisions DROP CONSTRAINT decisions_outcome_check;
ALTER TABLE decisions ADD CONSTRAINT decisions_outcome_check CHECK (outcome IN (
    'placed', 'merged', 'kept', 'moved', 'accepted', 'touched', 'planned', 'reassigned', 'reviewed', 'closed',
    'disputed', 'chased', 'served', 'covered', 'returned', 'identified', 'joined', 'split'));

-- What counts against a route: few, and found without looking at what was decided otherwise.
CREATE INDEX decisions_disputed ON decisions (route, at) WHERE outcome = 'disputed';

-- What somebody has in hand, whatever they have closed over the years.
CREATE INDEX leads_in_hand ON leads (owner) WHERE owner IS NOT NULL AND stage <> 'closed';

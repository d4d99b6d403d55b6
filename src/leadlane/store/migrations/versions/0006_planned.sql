-- Whether a person has said what is next for a lead, or when: a plan that a new promise must not replace.
ALTER TABLE leads ADD planned boolean NOT NULL DEFAULT false;
UPDATE leads SET planned = true
 WHERE id IN (SELECT lead_id FROM timeline WHERE event = 'planned') AND stage <> 'closed';

-- Whose is it? Leads are found by the name of the person or of the company while somebody types it, and by
-- company, e-mail and phone in every stage.

-- Names as `leadlane.matching.spoken` writes them: a person's in both orders, since people type either.
ALTER TABLE leads
    ADD first_last     text,
    ADD last_first     text,
    ADD company_spoken text;

-- The stage comes first: what is open is found without reading through what is closed.
CREATE INDEX leads_first_last ON leads (stage, first_last text_pattern_ops) WHERE first_last IS NOT NULL;
CREATE INDEX leads_last_first ON leads (stage, last_first text_pattern_ops) WHERE last_first IS NOT NULL;
CREATE INDEX leads_company ON leads (stage, company_spoken text_pattern_ops) WHERE company_spoken IS NOT NULL;

-- What routing looks up has indexes of its own: what is worked by company, what is open by e-mail and phone.
-- A lead is in one of the two; that the other is there costs it nothing but asking for its stage.
CREATE INDEX leads_resting_domain ON leads (domain, stage, arrived_at)
    WHERE domain IS NOT NULL AND stage IN ('review', 'nurture', 'closed');
CREATE INDEX leads_closed_email ON leads (email_key, arrived_at) WHERE stage = 'closed' AND email_key IS NOT NULL;
CREATE INDEX leads_closed_phone ON leads (phone_key, arrived_at) WHERE stage = 'closed' AND phone_key IS NOT NULL;

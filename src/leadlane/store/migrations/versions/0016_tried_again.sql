-- Deliveries of webhooks that are stored and not routed yet are routed by themselves.

-- Whoever has a delivery in hand has it until `due_at`; one who dies leaves it due. `attempts` counts how
-- often routing it was begun.
ALTER TABLE hook_deliveries ADD due_at timestamptz, ADD attempts integer NOT NULL DEFAULT 1;
UPDATE hook_deliveries SET due_at = received_at WHERE state = 'received';
ALTER TABLE hook_deliveries ADD CHECK ((state = 'received') = (due_at IS NOT NULL));
CREATE INDEX hook_deliveries_due ON hook_deliveries (due_at) WHERE state = 'received';

-- Which policy the last round knew: another one may have made room for leads that wait in line. It changes
-- nothing about who has gone away, so nobody is told of that once more.
ALTER TABLE rounds ADD policy text;

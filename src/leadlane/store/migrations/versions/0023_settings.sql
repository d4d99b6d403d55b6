-- What the settings pages show: when a key was last used, and what each webhook brought.

ALTER TABLE api_keys ADD COLUMN used_at timestamptz;

CREATE INDEX hook_deliveries_newest ON hook_deliveries (hook, id);
CREATE INDEX hook_deliveries_by_state ON hook_deliveries (hook, state, id) WHERE state <> 'routed';

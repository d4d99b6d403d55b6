-- Persons at accounts, as the CRM knows them: a lead with the address or the number of one belongs to the account.
CREATE TABLE contacts (
    id         text PRIMARY KEY,
    account_id text        REFERENCES accounts ON DELETE SET NULL,
    first_name text        NOT NULL DEFAULT '',
    last_name  text        NOT NULL DEFAULT '',
    email      text        NOT NULL DEFAULT '',
    phone      text        NOT NULL DEFAULT '',
    mobile     text        NOT NULL DEFAULT '',
    email_key  text,
    phone_key  text,
    mobile_key text,
    changed_at timestamptz NOT NULL
);
CREATE INDEX contacts_account ON contacts (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX contacts_email ON contacts (email_key, account_id) WHERE email_key IS NOT NULL;
CREATE INDEX contacts_phone ON contacts (phone_key, account_id) WHERE phone_key IS NOT NULL;
CREATE INDEX contacts_mobile ON contacts (mobile_key, account_id) WHERE mobile_key IS NOT NULL;

-- The spine: policies, roster, accounts, leads, decisions, and the state that picks depend on.

-- Every policy that ever decided something, by the hash of its content.
CREATE TABLE policies (
    version text PRIMARY KEY,
    source  text NOT NULL
);

-- The policy in force is the one published last.
CREATE TABLE publications (
    number       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    version      text        NOT NULL REFERENCES policies,
    published_at timestamptz NOT NULL,
    published_by text        NOT NULL,
    comment      text        NOT NULL DEFAULT ''
);

-- People, teams, named hours and public holidays as they were at every revision: a decision names the
-- revision it was made with, and can be made again from it. A null content says: removed.
CREATE TABLE roster_entries (
    kind       text        NOT NULL CHECK (kind IN ('person', 'team', 'hours', 'holidays')),
    id         text        NOT NULL,
    revision   bigint      NOT NULL,
    content    json,
    changed_at timestamptz NOT NULL,
    changed_by text        NOT NULL,
    PRIMARY KEY (kind, id, revision)
);

-- One row: whoever changes the roster locks it.
CREATE TABLE roster_revision (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    revision bigint NOT NULL
);
INSERT INTO roster_revision (revision) VALUES (0);

CREATE TABLE accounts (
    id         text PRIMARY KEY,
    name       text        NOT NULL,
    named      boolean     NOT NULL DEFAULT false,
    customer   boolean     NOT NULL DEFAULT false,
    owner      text,
    country    text        NOT NULL DEFAULT '',
    changed_at timestamptz NOT NULL
);

CREATE TABLE account_domains (
    domain     text PRIMARY KEY,
    account_id text NOT NULL REFERENCES accounts ON DELETE CASCADE
);
CREATE INDEX account_domains_account ON account_domains (account_id);

-- A batch is what was decided in one transaction. `world` is what the decisions depended on besides
-- policy, roster and arrivals: open leads and accounts met, ledgers, loads.
CREATE SEQUENCE batch_ids;
CREATE TABLE batches (
    id              bigint PRIMARY KEY,
    at              timestamptz NOT NULL,
    policy_version  text        NOT NULL REFERENCES policies,
    roster_revision bigint      NOT NULL,
    world           json        NOT NULL
);

-- One decision for every arrival of a batch, in order. `arrival` is what came in; `trace` is why.
-- Both are kept as the exact text, so that deciding again can be compared byte by byte.
CREATE TABLE decisions (
    batch_id    bigint      NOT NULL,
    number      integer     NOT NULL,
    lead_id     text        NOT NULL,
    at          timestamptz NOT NULL,
    outcome     text        NOT NULL CHECK (outcome IN ('placed', 'merged', 'kept', 'moved')),
    route       text        NOT NULL,
    destination text        NOT NULL,
    owner       text,
    arrival     json        NOT NULL,
    trace       json        NOT NULL,
    PRIMARY KEY (batch_id, number)
);
CREATE INDEX decisions_lead ON decisions (lead_id, batch_id, number);

-- A lead has exactly one present place: its one row says which, and the check says that it is one.
-- `place` counts its places; whoever moves it must name the place that they saw.
CREATE TABLE leads (
    id               text PRIMARY KEY,
    arrived_at       timestamptz NOT NULL,
    fields           jsonb       NOT NULL,
    extra            jsonb,
    signals          jsonb       NOT NULL,
    email_key        text,
    domain           text,
    intent           text        NOT NULL,
    fit              text        NOT NULL,
    fit_score        float8      NOT NULL,
    segment          text,
    deal_value       float8,
    deal_band        text,
    relationship     text        NOT NULL,
    stage            text        NOT NULL,
    route            text        NOT NULL,
    destination      text        NOT NULL,
    pool             text,
    waiting_pool     text,
    owner            text,
    covered_by       text,
    service_level    text,
    respond_by       timestamptz,
    next_step        text,
    next_step_due_at timestamptz,
    accepted_at      timestamptz,
    responded_at     timestamptz,
    excluded         text[]      NOT NULL DEFAULT '{}',
    place            integer     NOT NULL,
    batch_id         bigint      NOT NULL,
    decision_number  integer     NOT NULL,
    changed_at       timestamptz NOT NULL,
    CONSTRAINT one_present_place CHECK (
        CASE stage
            WHEN 'assigned' THEN owner IS NOT NULL
            WHEN 'accepted' THEN owner IS NOT NULL
            WHEN 'working'  THEN owner IS NOT NULL
            WHEN 'review'   THEN destination LIKE 'review:%'
            WHEN 'nurture'  THEN owner IS NULL AND destination LIKE 'program:%'
            WHEN 'closed'   THEN true
            ELSE false
        END
    )
) WITH (fillfactor = 90);
-- Nobody is two open leads.
CREATE UNIQUE INDEX leads_open_email ON leads (email_key) WHERE stage <> 'closed';
CREATE INDEX leads_worked_domain ON leads (domain, arrived_at)
    WHERE stage IN ('assigned', 'accepted', 'working') AND domain IS NOT NULL;
CREATE INDEX leads_arrived ON leads (arrived_at, id);
CREATE INDEX leads_owner ON leads (owner, arrived_at, id) WHERE owner IS NOT NULL;
CREATE INDEX leads_waiting ON leads (waiting_pool, arrived_at) WHERE waiting_pool IS NOT NULL;

-- Ids under which a prospect came again: each belongs to the lead that it was merged into.
CREATE TABLE lead_aliases (
    id      text PRIMARY KEY,
    lead_id text NOT NULL
);

-- Every change of a lead, by whom or by which rule, and why.
CREATE TABLE timeline (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lead_id text        NOT NULL,
    at      timestamptz NOT NULL,
    event   text        NOT NULL,
    actor   text        NOT NULL,
    details json        NOT NULL
);
CREATE INDEX timeline_lead ON timeline (lead_id, id);

-- Messages to people, written in the same commit as what they tell of. A null person: every admin.
CREATE TABLE outbox (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lead_id    text        NOT NULL,
    place      integer     NOT NULL,
    event      text        NOT NULL,
    person     text,
    created_at timestamptz NOT NULL,
    sent_at    timestamptz
);
CREATE INDEX outbox_waiting ON outbox (id) WHERE sent_at IS NULL;

-- A pool's ledger is one row, locked by whoever picks: {person: [balance, last pick]}.
CREATE TABLE ledgers (
    pool    text PRIMARY KEY,
    picks   bigint NOT NULL DEFAULT 0,
    members json   NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);

-- What each person has in hand. `today` counts what reached them automatically on the day `today_on`.
CREATE TABLE loads (
    person   text PRIMARY KEY,
    open     integer NOT NULL CHECK (open >= 0),
    today    integer NOT NULL,
    today_on date    NOT NULL
) WITH (fillfactor = 50);

-- A request that is repeated under the same key is answered from the decision that it led to.
CREATE TABLE idempotency_keys (
    key         text PRIMARY KEY,
    fingerprint text        NOT NULL,
    lead_id     text        NOT NULL,
    batch_id    bigint      NOT NULL,
    number      integer     NOT NULL,
    at          timestamptz NOT NULL
);

-- Keys of the HTTP interface; only a hash is kept.
CREATE TABLE api_keys (
    id         text PRIMARY KEY,
    name       text        NOT NULL,
    hash       bytea       NOT NULL UNIQUE,
    scopes     text[]      NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz
);

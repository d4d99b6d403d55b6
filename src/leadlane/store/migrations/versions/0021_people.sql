-- When leads come, and calendars of people.

-- How many leads came to each pool ('' for none) in each hour of the last weeks, counted now and then: what is
-- to be expected is read from here, whatever number of leads there are.
CREATE TABLE arrivals (
    hour  timestamptz NOT NULL,
    pool  text        NOT NULL,
    count integer     NOT NULL,
    PRIMARY KEY (hour, pool)
);

-- Calendars that people keep elsewhere, by links that are as good as passwords: their absences are read from there.
CREATE TABLE calendar_links (
    person  text PRIMARY KEY,
    url     text        NOT NULL,
    set_by  text        NOT NULL,
    set_at  timestamptz NOT NULL,
    due_at  timestamptz NOT NULL,
    read_at timestamptz,
    found   integer,
    problem text
);
CREATE INDEX calendar_links_due ON calendar_links (due_at);

-- Links by which calendars read what is due for somebody, and who is away; only the hash of each is kept.
CREATE TABLE calendar_feeds (
    token_hash bytea PRIMARY KEY,
    person     text        NOT NULL UNIQUE,
    made_by    text        NOT NULL,
    made_at    timestamptz NOT NULL
);

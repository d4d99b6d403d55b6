-- People who sign in: accounts, sessions, one-time links, and what holds back those who guess passwords.

-- `person` is who they are in the roster. Until an admin has said so (`person_chosen`), the e-mail address says it.
-- An empty language or zone: whatever fits them best. A null password: none was set yet.
CREATE TABLE users (
    id            text PRIMARY KEY,
    email         text        NOT NULL,
    email_key     text        NOT NULL UNIQUE,
    name          text        NOT NULL,
    role          text        NOT NULL CHECK (role IN ('admin', 'manager', 'rep', 'viewer')),
    person        text UNIQUE,
    person_chosen boolean     NOT NULL DEFAULT false,
    language      text        NOT NULL DEFAULT '',
    zone          text        NOT NULL DEFAULT '',
    theme         text        NOT NULL DEFAULT 'system' CHECK (theme IN ('system', 'light', 'dark')),
    password      text,
    active        boolean     NOT NULL DEFAULT true,
    created_at    timestamptz NOT NULL,
    created_by    text        NOT NULL,
    signed_in_at  timestamptz
);

-- The token in the cookie is kept nowhere, only its hash. A session that is ended is no longer there.
CREATE TABLE sessions (
    number     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash       bytea       NOT NULL UNIQUE,
    user_id    text        NOT NULL REFERENCES users,
    agent      text        NOT NULL,
    address    text        NOT NULL,
    created_at timestamptz NOT NULL,
    seen_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expired ON sessions (expires_at);

-- Links that let somebody in once: to set their first password, to set another, or (demonstration) to sign in.
CREATE TABLE user_links (
    hash       bytea PRIMARY KEY,
    user_id    text        NOT NULL REFERENCES users,
    purpose    text        NOT NULL CHECK (purpose IN ('invitation', 'reset', 'demonstration')),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz
);
CREATE INDEX user_links_user ON user_links (user_id);
CREATE INDEX user_links_expired ON user_links (expires_at);

-- Browsers from which somebody has signed in before: others that guess their password do not hold them back.
CREATE TABLE known_browsers (
    hash       bytea PRIMARY KEY,
    user_id    text        NOT NULL REFERENCES users,
    expires_at timestamptz NOT NULL
);
CREATE INDEX known_browsers_user ON known_browsers (user_id);
CREATE INDEX known_browsers_expired ON known_browsers (expires_at);

-- Attempts to sign in that failed, by whom they are counted for: `email:…`, `address:…` or `browser:…`.
CREATE TABLE sign_in_attempts (
    name      text PRIMARY KEY,
    failures  integer     NOT NULL,
    failed_at timestamptz NOT NULL,
    open_at   timestamptz NOT NULL
);
CREATE INDEX sign_in_attempts_old ON sign_in_attempts (failed_at);

-- What the web service keeps: who is signed in, what has been used up, and who has done what. Times are milliseconds
-- since 1970, UTC.

-- Sessions, under a digest of the name the browser has.
CREATE TABLE pappus_sessions (
    name TEXT NOT NULL PRIMARY KEY,
    data TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX pappus_sessions_expiry ON pappus_sessions (expires_at);

-- The step of time whose code somebody used last: it and those before are used up.
CREATE TABLE pappus_used_steps (
    pod TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    step BIGINT NOT NULL,
    PRIMARY KEY (pod, user_id)
);

-- Codes for emergencies that are used up, by a digest of the hash the pod keeps.
CREATE TABLE pappus_used_codes (
    pod TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    code TEXT NOT NULL,
    used_at BIGINT NOT NULL,
    PRIMARY KEY (pod, user_id, code)
);

-- Tries to sign in that failed, and links that were asked for: of whom or from where, as a keyed hash.
CREATE TABLE pappus_attempts (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    tried_at BIGINT NOT NULL
);

CREATE INDEX pappus_attempts_subject ON pappus_attempts (kind, subject, tried_at);
CREATE INDEX pappus_attempts_time ON pappus_attempts (tried_at);

-- Links by mail that sign somebody in once, by a digest of what the link holds.
CREATE TABLE pappus_sign_in_links (
    digest TEXT NOT NULL PRIMARY KEY,
    pod TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    username TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

CREATE INDEX pappus_sign_in_links_expiry ON pappus_sign_in_links (expires_at);

-- Who has done what, for the podmin.
CREATE TABLE pappus_audit (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    pod TEXT NOT NULL,
    done_at BIGINT NOT NULL,
    -- The diaspora* ID of whoever did it; NULL for the service itself and for people who are not signed in.
    actor TEXT,
    -- A stable name, such as sign-in or campaign-pause.
    act TEXT NOT NULL,
    -- What it was done to, such as a diaspora* ID or the name of a campaign.
    subject TEXT,
    -- More about it, as JSON.
    details TEXT,
    address TEXT
);

CREATE INDEX pappus_audit_time ON pappus_audit (pod, done_at);

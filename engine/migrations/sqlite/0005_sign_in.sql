-- What people of a pod need to sign in once the pod's database is gone, when the podmin asked for it. Times are
-- milliseconds since 1970, UTC.
CREATE TABLE pappus_sign_in (
    pod TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    -- Keyed hashes: they find a person whose name is known, and tell no names.
    username_hash TEXT NOT NULL,
    email_hash TEXT NOT NULL,
    -- Whether there is something new to write.
    content_hash TEXT NOT NULL,
    -- The key of pappus_campaign_keys that opens it.
    recipient TEXT NOT NULL,
    -- One person's data, under age.
    sealed BLOB NOT NULL,
    copied_at INTEGER NOT NULL,
    PRIMARY KEY (pod, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX pappus_sign_in_username ON pappus_sign_in (pod, username_hash);
CREATE INDEX pappus_sign_in_email ON pappus_sign_in (pod, email_hash);

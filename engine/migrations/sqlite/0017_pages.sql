-- Mails of the newcomers' door. Whom to write to, sealed to the key of the store, until nothing more is to be said; and what
-- was said already: to podmins that somebody waits, to the newcomer what the podmin decided, and the state they know of.
ALTER TABLE pappus_newcomers ADD COLUMN mail_to TEXT;
ALTER TABLE pappus_newcomers ADD COLUMN podmins_told INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pappus_newcomers ADD COLUMN decision_told INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pappus_newcomers ADD COLUMN state_told TEXT;
CREATE INDEX pappus_newcomers_mails ON pappus_newcomers (id) WHERE mail_to IS NOT NULL;

-- What the podmin has to say to people who leave and people who come: a note, and pods to go to, one a line.
CREATE TABLE pappus_podmin_words (
    pod TEXT NOT NULL PRIMARY KEY,
    note TEXT NOT NULL,
    pods TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The same letter in other languages: JSON, subject and body by language code.
ALTER TABLE pappus_notices ADD COLUMN translations TEXT;

-- Which archive a person has fetched: 'r42' of a request, 'c3' of a campaign.
CREATE TABLE pappus_archive_downloads (
    pod TEXT NOT NULL,
    user_id INTEGER NOT NULL,
    archive TEXT NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    times INTEGER NOT NULL,
    PRIMARY KEY (pod, user_id, archive)
) STRICT, WITHOUT ROWID;

-- SHA-256 of archives as people get them, by the SHA-256 of the file in the depot, which may be encrypted.
CREATE TABLE pappus_archive_digests (
    depot_sha256 TEXT NOT NULL PRIMARY KEY,
    sha256 TEXT NOT NULL
) STRICT, WITHOUT ROWID;

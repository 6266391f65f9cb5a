-- What is done once for the whole database, by name.
CREATE TABLE pappus_once (
    name TEXT NOT NULL PRIMARY KEY,
    done_at BIGINT NOT NULL
);

-- The folders in which services keep archives: what each says of itself, in its file .pappus-place.
CREATE TABLE pappus_places (
    pod TEXT NOT NULL,
    place TEXT NOT NULL,
    identity TEXT NOT NULL,
    PRIMARY KEY (pod, place)
);

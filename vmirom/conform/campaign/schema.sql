-- A campaign's file, version 1. All of it is made in one transaction, so there is a whole campaign or none.
CREATE TABLE campaign (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    definition TEXT NOT NULL CHECK (json_valid(definition)),
    vmirom TEXT NOT NULL, -- version that began it
    begun TEXT NOT NULL -- UTC
) STRICT;

CREATE TABLE bundle (
    sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64),
    data BLOB NOT NULL
) STRICT;

CREATE TABLE job (
    id INTEGER PRIMARY KEY,
    guest TEXT NOT NULL,
    backend TEXT NOT NULL,
    host TEXT NOT NULL,
    abi TEXT NOT NULL,
    seed INTEGER NOT NULL CHECK (seed >= 0),
    memory_mib INTEGER NOT NULL,
    command_line TEXT NOT NULL,
    options TEXT NOT NULL CHECK (json_valid(options)),
    budget REAL NOT NULL, -- seconds
    bundle TEXT REFERENCES bundle, -- NULL: there is none, and the result is a skip that says why
    UNIQUE (guest, backend, host, abi, seed)
) STRICT;

CREATE TABLE transcript (
    sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64),
    lines TEXT NOT NULL -- each with its newline
) STRICT;

CREATE TABLE result (
    job INTEGER PRIMARY KEY REFERENCES job, -- one result a job, and no other
    transcript TEXT NOT NULL REFERENCES transcript,
    record TEXT NOT NULL CHECK (json_valid(record)), -- the boot's result without its transcript
    outcome TEXT NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.outcome')) STORED
        CHECK (outcome IN ('success', 'skip', 'error', 'failure', 'crash')),
    reason TEXT NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.reason')) VIRTUAL,
    seconds REAL NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.seconds')) VIRTUAL,
    worker TEXT NOT NULL,
    ended TEXT NOT NULL -- UTC
) STRICT;

-- +goose Up

-- What labs can be asked for, test by test. Lab tests have their markers as they are here; an import keeps the two the same.
CREATE TABLE markers (
    id         BIGINT PRIMARY KEY,
    lab_id     BIGINT NOT NULL REFERENCES labs (id),
    document   TEXT NOT NULL, -- JSON
    updated_at BIGINT NOT NULL
);

CREATE INDEX markers_by_lab ON markers (lab_id);

-- Patient service centers.
CREATE TABLE sites (
    lab_id     BIGINT NOT NULL REFERENCES labs (id),
    code       TEXT NOT NULL, -- the lab's own
    inactive   BOOLEAN NOT NULL,
    lat        DOUBLE PRECISION NOT NULL,
    lng        DOUBLE PRECISION NOT NULL,
    document   TEXT NOT NULL, -- JSON
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (lab_id, code)
);

CREATE INDEX sites_by_place ON sites (lat, lng);

-- Where phlebotomists go: ranges of postal codes, both ends included.
CREATE TABLE coverage (
    provider      TEXT NOT NULL,
    from_zip      TEXT NOT NULL,
    to_zip        TEXT NOT NULL,
    service_types TEXT NOT NULL, -- JSON array
    PRIMARY KEY (provider, from_zip, to_zip)
);

-- Where postal codes are: the middle of their areas.
CREATE TABLE zips (
    zip TEXT PRIMARY KEY,
    lat DOUBLE PRECISION NOT NULL,
    lng DOUBLE PRECISION NOT NULL
);

-- +goose Down

DROP TABLE zips;
DROP TABLE coverage;
DROP TABLE sites;
DROP TABLE markers;

-- Units, and what each has generated on each day; running it again changes nothing.

CREATE TABLE IF NOT EXISTS units (
    unit  text PRIMARY KEY,
    name  text NOT NULL DEFAULT ''
);

CREATE TABLE IF NOT EXISTS generation (
    unit  text NOT NULL REFERENCES units,
    day   date NOT NULL,
    kwh   numeric(12, 3) NOT NULL,
    PRIMARY KEY (unit, day)
);

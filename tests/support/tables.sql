-- The tables of tests/support/definitions.py. Every UPDATE of `things.value` leaves a line in `audit`, so that a
-- second effect, a value computed from older input and an overwritten application write all show.

CREATE TABLE things (
    id bigint PRIMARY KEY,
    base integer NOT NULL DEFAULT 0,
    value numeric(12, 2),
    extra text,
    CONSTRAINT things_value_is_not_unlucky CHECK (value <> 13)
);

CREATE TABLE audit (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id bigint NOT NULL,
    who text NOT NULL DEFAULT current_setting('application_name'),
    old numeric,
    new numeric
);

CREATE FUNCTION audit_value() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit (id, old, new) VALUES (NEW.id, OLD.value, NEW.value);
    RETURN NULL;
END
$$;
CREATE TRIGGER things_audit AFTER UPDATE OF value ON things FOR EACH ROW EXECUTE FUNCTION audit_value();

-- While it holds a row, the definition `flaky` finds its inputs unavailable.
CREATE TABLE outage (reason text);

CREATE TABLE labels (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    code text NOT NULL UNIQUE,
    title text NOT NULL,
    normalised text
);

-- Of tests/support/pieces.py: `writes` counts how often a month was written.
CREATE TABLE months (
    unit integer NOT NULL,
    month text NOT NULL,
    total integer NOT NULL,
    writes integer NOT NULL DEFAULT 1,
    PRIMARY KEY (unit, month)
);

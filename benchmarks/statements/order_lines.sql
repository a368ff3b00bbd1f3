-- The same columns under a key of two: what the second one costs is the difference.
CREATE TABLE order_lines (
    order_id bigint,
    line_no integer,
    name text,
    name_normalised text,
    PRIMARY KEY (order_id, line_no)
)

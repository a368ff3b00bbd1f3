-- The table of the smallest example: a key of one column.
CREATE TABLE people (id bigint PRIMARY KEY, name text, name_normalised text)

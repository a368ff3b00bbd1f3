-- The text of each column of keys, in the order of their texts.
-- $1 ids, as an array's literal
SELECT i.id::text[] AS parts FROM unnest($1::text::text[]) WITH ORDINALITY AS i (id, n) ORDER BY i.n

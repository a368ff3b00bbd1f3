-- Keys as the driver gives them, in the order of their texts.
-- $1 ids, as an array's literal
SELECT {given_parts} FROM unnest($1::text::text[]) WITH ORDINALITY AS i (id, n) ORDER BY i.n

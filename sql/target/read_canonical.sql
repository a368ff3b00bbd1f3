-- The one text of each key that somebody wrote in his own way, and whether it has all the key's columns.
-- $1 keys as text
SELECT {given_text} AS id, {given_whole} AS is_whole FROM unnest($1::text[]) WITH ORDINALITY AS i (id, n) ORDER BY i.n

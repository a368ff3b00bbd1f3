-- Which of these rows this role may write. Where somebody holds one of them: waits, or with NOWAIT is refused at once.
-- $1 ids, as an array's literal
SELECT array_agg(r.id) AS ids
FROM (SELECT {key_text} AS id FROM {table} t WHERE {among} FOR NO KEY UPDATE OF t {wait}) r

-- The first records that the mode selects, in an order of keys; {{key_order}} is that order.
-- $1 how many
SELECT {key_text} AS id FROM {table} t WHERE {predicate} AND {has_key} ORDER BY {key_order} LIMIT $1

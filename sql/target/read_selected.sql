-- Of records given by their ids those that there are, and whether the mode selects each.
-- $1 ids, as an array's literal
SELECT {key_text} AS id, ({predicate}) IS TRUE AS is_selected FROM {table} t WHERE {among}

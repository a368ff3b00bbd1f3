-- The newest time of a column, in the column's own terms.
SELECT max(t.{column})::text AS newest FROM {table} t WHERE {is_finite}

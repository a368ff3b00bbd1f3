-- The condition `where` of a definition, for PostgreSQL to read and not to run. It stands without parentheses, so that it
-- cannot close any; beside a second table like the first, so that a column without `t.` is ambiguous; and with the columns
-- alone that it was found to name.
SELECT FROM (SELECT {where_columns} FROM {table}) t, (SELECT {where_columns} FROM {table}) another WHERE {where}

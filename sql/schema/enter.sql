-- Create what follows in this transaction in that schema, or in the first of the search path; nothing is found in others.
-- $1 schema, or ''
SELECT set_config('search_path', quote_ident(coalesce(nullif($1, ''), current_schema(), 'public')) || ', pg_temp', true)

-- Create what follows in this transaction in that schema.
-- $1 schema
SELECT set_config('search_path', concat_ws(', ', quote_ident($1), nullif(nullif(current_setting('search_path'), ''), '""')),
                  true)

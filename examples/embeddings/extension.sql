-- Whether the server has pgvector; no row where it has not.
SELECT FROM pg_available_extensions WHERE name = 'vector'

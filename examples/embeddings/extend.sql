-- The extension pgvector.
CREATE EXTENSION IF NOT EXISTS vector

-- Tokens of the HTTP API: who may look, and who may steer, without a login of his own at the database.
-- oldest program: 3
CREATE TABLE backfill_tokens (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id text NOT NULL DEFAULT backfill_tenant(),
    name text NOT NULL,                       -- stands in events as token:NAME
    role text NOT NULL,                       -- read looks, operate opens jobs and steers them too
    hash bytea NOT NULL,                      -- SHA-256 of the token, which itself is nowhere
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text NOT NULL,
    expires_at timestamptz,                   -- NULL: never
    last_used_at timestamptz,                 -- to the minute
    revoked_at timestamptz,
    revoked_by text,
    CONSTRAINT backfill_tokens_name_check CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,39}$'),
    CONSTRAINT backfill_tokens_role_check CHECK (role IN ('read', 'operate')),
    CONSTRAINT backfill_tokens_hash_check CHECK (octet_length(hash) = 32),
    CONSTRAINT backfill_tokens_revoked_check CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
-- A name says who it was: of those in force there is one of a name.
CREATE UNIQUE INDEX backfill_tokens_name_idx ON backfill_tokens (tenant_id, name) WHERE revoked_at IS NULL;

-- As for the ledger's other tables.
ALTER TABLE backfill_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE backfill_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON backfill_tokens USING (tenant_id = (SELECT backfill_chosen_tenant()));
CREATE TRIGGER backfill_tokens_kept BEFORE TRUNCATE ON backfill_tokens EXECUTE FUNCTION backfill_table_is_kept();

-- Roles that were made before go on: `init --roles` need not come first. Workers and readers know nothing of tokens.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'backfill_owner')
       AND has_table_privilege('backfill_owner', 'backfill_jobs', 'DELETE') THEN
        GRANT SELECT ON backfill_tokens TO backfill_owner;
        GRANT INSERT (name, role, hash, created_by, expires_at) ON backfill_tokens TO backfill_owner;
        GRANT UPDATE (revoked_at, revoked_by) ON backfill_tokens TO backfill_owner;
    END IF;
END
$$;

-- Each tenant sees and writes only its own rows, the tables' owner included; without a tenant set, nobody sees any.
DO $$
DECLARE
    ledger_table text;
BEGIN
    FOREACH ledger_table IN ARRAY ARRAY['backfill_jobs', 'backfill_partitions', 'backfill_failures',
                                        'backfill_workers', 'backfill_events', 'backfill_leases'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', ledger_table);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', ledger_table);
        EXECUTE format(
            'CREATE POLICY tenant ON %I USING (tenant_id = current_setting(''app.current_tenant'', true))', ledger_table);
    END LOOP;
END
$$;

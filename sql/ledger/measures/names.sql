-- The backfills that the tenant has jobs or workers of, also those of which every job was deleted.
SELECT asset_name FROM backfill_jobs WHERE tenant_id = backfill_tenant()
UNION SELECT unnest(backfills) FROM backfill_workers WHERE tenant_id = backfill_tenant()
ORDER BY 1

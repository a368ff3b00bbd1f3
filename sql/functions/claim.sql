-- The claim of programs that know nothing of parameters, and would compute without them: as `backfill_claim_any`, which
-- programs that know them take, and nothing of a job that has some.
CREATE OR REPLACE FUNCTION backfill_claim(
    the_job uuid, the_partition text, the_worker uuid, lease_seconds double precision, the_asset text, the_mode text
) RETURNS TABLE (
    id bigint, fence bigint, attempt_count integer, record_ids text[], job_state text, priority text, pause_ms integer
) LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM backfill_jobs j WHERE j.id = the_job AND j.parameters <> '{}') THEN
        RETURN QUERY SELECT * FROM backfill_claim_any(
            the_job, the_partition, the_worker, lease_seconds, the_asset, the_mode);
    END IF;
END
$$;

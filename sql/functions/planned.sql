-- How many partitions a job has, and how many records are in them: all of them are read.
CREATE OR REPLACE FUNCTION backfill_planned(the_job uuid) RETURNS TABLE (partitions bigint, records bigint)
LANGUAGE plpgsql STABLE ROWS 1 AS $$
BEGIN
    RETURN QUERY SELECT count(*), coalesce(sum(record_count), 0)::bigint
    FROM backfill_partitions WHERE backfill_job_id = the_job;
END
$$;

-- How the values of the example's killmails are distributed: without one, zero, and by powers of ten.
SELECT CASE WHEN total_value IS NULL THEN 'NULL'
            WHEN total_value < 0 THEN 'below 0'
            WHEN total_value = 0 THEN '0'
            WHEN total_value < 1 THEN 'below 1'
            ELSE 'from ' || to_char(power, 'FM999,999,999,999,999,999,999') END AS value,
       count(*) AS killmails, round(100.0 * count(*) / sum(count(*)) OVER (), 1) AS percent,
       min(total_value) AS lowest, max(total_value) AS highest
FROM (
    -- Digits are counted: a logarithm rounds 999.99 up where its precision ends.
    SELECT total_value,
           CASE WHEN total_value >= 1 THEN 10::numeric ^ (length(trunc(total_value)::text) - 1) END AS power
    FROM killmails
) k
GROUP BY 1 ORDER BY min(total_value) NULLS FIRST;

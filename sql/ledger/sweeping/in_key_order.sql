-- Sweep along the key's index, as in read_in_key_order.sql, in this transaction alone. Of partitions without statistics
-- the planner expects few ids, and would go through all of them for each row.
SELECT set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true),
       set_config('enable_nestloop', 'off', true)

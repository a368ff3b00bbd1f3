-- Page along the key's index: sorting would read all that is left for every page. With statistics that know little of
-- how many records match, the planner may choose just that.
SELECT set_config('enable_sort', 'off', false), set_config('enable_seqscan', 'off', false)

-- Read for its plan: the planner's idea of how many records in scope have a value.
SELECT FROM {table} t WHERE ({in_scope}) AND {has_value}

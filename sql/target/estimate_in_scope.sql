-- Read for its plan: the planner's idea of how many records are in scope.
SELECT FROM {table} t WHERE {in_scope}

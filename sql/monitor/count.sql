-- How many rows there are, or of a sample of them, and how many hold nothing, zero, or a time that stands for none.
SELECT count(*) AS rows, count(*) FILTER (WHERE {is_zero}) AS zero_values,
       count(*) FILTER (WHERE {is_null}) AS null_values, count(*) FILTER (WHERE {is_zero_time}) AS zero_timestamps
FROM {table} t {sample}

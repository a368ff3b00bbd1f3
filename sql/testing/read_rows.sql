-- All rows of a table, in an order.
SELECT t.* FROM {table} t ORDER BY {order}

-- The shape of the table's columns; until the transaction's end nobody can change them again, since the table is read
-- from, without a row. {{shape}} is shape.sql
SELECT ({shape}) AS shape WHERE NOT EXISTS (SELECT FROM {table} WHERE false)

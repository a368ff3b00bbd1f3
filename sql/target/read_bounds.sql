-- The lowest and the highest key there is now, as text, and whether the text leads back to the key; no row without one.
SELECT lower.id AS lower_key, upper.id AS upper_key, lower.leads_back AND upper.leads_back AS lead_back
FROM (SELECT {key_text} AS id, {leads_back} AS leads_back FROM {table} t
      WHERE {has_key} ORDER BY {order_asc} LIMIT 1) AS lower,
     (SELECT {key_text} AS id, {leads_back} AS leads_back FROM {table} t
      WHERE {has_key} ORDER BY {order_desc} LIMIT 1) AS upper

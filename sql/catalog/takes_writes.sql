-- Whether the server answers, and may be written to.
SELECT current_setting('transaction_read_only') = 'off'

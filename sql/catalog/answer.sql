-- Whether the server answers in this session.
SELECT 1

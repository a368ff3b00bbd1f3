-- Make advertisements up, one in eight of them not active any more.
-- $1 how many
INSERT INTO jobs (title, description, is_active)
SELECT (ARRAY['Nurse', 'Baker', 'Train driver', 'Database administrator', 'Teacher of mathematics', 'Electrician',
              'Gardener', 'Translator', 'Welder', 'Accountant'])[1 + n % 10],
       (ARRAY['Nights and weekends, in a team of five.', 'Part time, from home.', 'In a small town by the sea.',
              'Five years of experience wanted.', 'Beginners are welcome.', NULL])[1 + n / 10 % 6]
           || ' Reference ' || n || '.',
       n % 8 <> 0
FROM generate_series(1, $1::integer) n

-- Each file may say the newest one that a program must know to go on after it; NULL: itself.
ALTER TABLE backfill_schema ADD COLUMN IF NOT EXISTS oldest_program integer

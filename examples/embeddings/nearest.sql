-- The active advertisements that are nearest to a question.
-- $1 the question's embedding, as text, $2 how many
SELECT title, description, round((1 - (embedding <=> $1::text::vector))::numeric, 3) AS similarity
FROM jobs WHERE is_active AND embedding IS NOT NULL
ORDER BY embedding <=> $1::text::vector LIMIT $2

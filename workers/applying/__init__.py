"""From values to rows: write them with the progress that they are, a portion a transaction."""

"""Where a look looks: logs, SQL, commands, processes, targets, and our own jobs."""

"""Backfills that went well or wrong, with the logs that they left and the reports that they must give."""

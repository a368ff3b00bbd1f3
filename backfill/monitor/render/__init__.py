"""A report for whoever reads it: Markdown, a terminal, JSON, HTML, or one line for Nagios."""

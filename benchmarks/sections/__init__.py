"""One module a section of the table, each with `measure(bench)`."""

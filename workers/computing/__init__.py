"""From keys to values: load inputs, call a definition's function in one of its ways, judge what it gave."""

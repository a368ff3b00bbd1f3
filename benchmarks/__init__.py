"""Measures the toolkit beside its alternatives: the same data, the same work, the same durability, in one run.

`python -m benchmarks` starts private services, measures, prints one table and removes everything. It is no test: it
ends with 0 whatever the figures are, and says "not reached" where a target is missed.
"""

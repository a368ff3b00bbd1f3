"""Consume partitions, compute, apply, settle. Imports `backfill` only.

The way of one delivery: intake -> processor -> computation -> applier -> intake (ack).
"""

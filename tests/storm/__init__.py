"""Storms: random faults over random tables, each from the number it is replayed by."""

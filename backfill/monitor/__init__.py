"""A status report for any long-running backfill, ours or somebody else's; reads only, and needs no broker.

One look goes one way: `profile` says where to look, `sources` read there and tell `readings`, `pace` turns those and
what `memory` kept of earlier looks into rates and times left, `verdicts` judge, `report` holds what is to be said,
`render` says it.
"""

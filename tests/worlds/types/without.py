"""Types of PostgreSQL that no backfill writes; some of them are keys."""

from datetime import UTC, datetime

from tests.worlds.model import Type, refused

WHY = "see docs/types.md"
MOMENT = datetime(2020, 2, 29, 12, 30, 0, 123_000, UTC)
DEPENDS = "depends on the session"

WITHOUT = [
    *refused("tsvector", why="to_tsvector()", keys=("'a b'", "$$'it''s':1A,2 b$$", "''")),
    *refused("tsquery", why="to_tsquery()", keys=("'a & b'", "'!c'")),
    *refused("money", why="numeric", no_key=DEPENDS, keys=()),
    *refused("xml", why="use text"),
    *refused('"char"', why=WHY, keys=("'a'", "'B'", "''", "'\"'")),
    *refused("tid", why=WHY, keys=("'(0,1)'", "'(4294967295,65535)'")),
    *refused("xid8", why=WHY, keys=("'0'", "'18446744073709551615'")),
    *refused("refcursor", why=WHY),
    *refused("oidvector", why=WHY, keys=("'1 2'", "''"), has_array=True),
    *refused("int2vector", why=WHY, keys=("'1 2'", "'3'", "''")),
    *refused(
        "regclass", "regcollation", "regconfig", "regdictionary", "regnamespace", "regoper", "regoperator", "regproc",
        "regprocedure", "regrole", "regtype", why=WHY, no_key=DEPENDS,
    ),
    *refused("box", "circle", "line", "lseg", "path", "point", "polygon", why=WHY),
    *refused("aclitem", "cid", "xid", "jsonpath", "pg_snapshot", "txid_snapshot", "gtsvector", why=WHY),
    *refused(
        "pg_node_tree", "pg_ndistinct", "pg_dependencies", "pg_mcv_list", why=WHY, no_key="cannot read from its text",
        has_array=False,
    ),
    *refused("pg_brin_bloom_summary", "pg_brin_minmax_multi_summary", why=WHY, has_array=False),
    Type("information_schema.cardinal_number", "int", ((0, "0"), (2**31 - 1, "2147483647")), (-1, "1")),
    Type("information_schema.character_data", "str", (("a", "'a'"),), (1,)),
    Type("information_schema.sql_identifier", "str", (("a", "'a'"), ("x" * 63, f"'{'x' * 63}'")), (1, "x" * 64)),
    Type("information_schema.time_stamp", "datetime", ((MOMENT, "'2020-02-29 12:30:00.123+00'"),), (1, "now")),
    Type("information_schema.yes_or_no", "str", (("YES", "'YES'"), ("NO", "'NO'")), ("MAYBE", "yes", 1)),
]  # fmt: skip

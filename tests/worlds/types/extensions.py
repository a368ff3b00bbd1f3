"""Examples of the types of contrib modules, and of pgvector."""

import math

from tests.worlds.model import Type, refused, text
from tests.worlds.types.texts import HOSTILE, NO_TEXTS, good

NO_VECTORS = ("x", "[1,2]", [1.0, 2.0], [], [1, "a", 2], [1, 2, math.nan], [1, 2, math.inf], {}, b"123", 1, object())
HSTORE = (
    ({"a": "1", "b": None}, "'a=>1, b=>NULL'"),
    ({}, "''"),
    ({'"': "\\", "=>": ",", "": ""}, r"""'"\""=>"\\", "=>"=>",", ""=>""'"""),
    ('"k"=>"v"', "'k=>v'"),
)
ISN = {
    "ean13": "220-035-603633-5",
    "isbn": "0-393-04002-X",
    "isbn13": "978-0-393-04002-9",
    "ismn": "M-706700-00-7",
    "ismn13": "979-0-706700-00-7",
    "issn": "1436-4522",
    "issn13": "977-1436-452-00-8",
    "upc": "220035603636",
}
WHY = "see docs/types.md"

EXTENSIONS = [
    Type("citext", "str", good(*HOSTILE, "Ab"), NO_TEXTS, extension="citext",
         keys=("''", "'Ab'", "'ä'", "'\"'", "'{a,b}'", "'NULL'")),
    Type("hstore", "dict", HSTORE, ({"a": 1}, {1: "a"}, {"a": "\0"}, "x=", ["a"], 1, b"x", object()),
         extension="hstore", no_key="operators < and >"),
    Type("ltree", "str", good("", "Top", "Top.Science.Astronomy", "A_1"), ("a b", "a..b", ".", "ä", *NO_TEXTS),
         extension="ltree"),
    Type("cube", "str", (("(1,2),(3,4)", "'(1,2),(3,4)'"), ("(1)", "'1'"), ("(0.1, -0)", "'(0.1, -0)'")),
         ("x", "(1", *NO_TEXTS), extension="cube"),
    Type("seg", "str", (("1.5", "'1.5'"), ("1 .. 2", "'1 .. 2'"), ("~6.50", "'~6.50'"), ("0(+-)1", "'0(+-)1'")),
         ("x", "2 .. 1", *NO_TEXTS), extension="seg"),
    *(Type(name, "str", ((one, text(one)),), ("x", one[:-1] + "9" + one[-1:], "", *NO_TEXTS), extension="isn")
      for name, one in ISN.items()),
    Type("vector(3)", "str", (([1, 2.5, -3], "'[1,2.5,-3]'"), ((0.1, 0, 1e-45), "'[0.1,0,1e-45]'"),
                              ("[1,2,3]", "'[1,2,3]'")),
         (*NO_VECTORS, [1, 2, 1e39]), extension="vector", nests=False, in_wheel=True),
    Type("halfvec(3)", "str", (([1, 2.5, -3], "'[1,2.5,-3]'"), ("[1,2,3]", "'[1,2,3]'")), (*NO_VECTORS, [1, 2, 1e9]),
         extension="vector", nests=False, in_wheel=True),
    *refused("sparsevec(5)", why=WHY, extension="vector", keys=("'{1:1,3:2}/5'", "'{2:-1.5}/5'"), in_wheel=True),
    Type("earth", no_key="", no_column="", extension="earthdistance", read="str",
         good=(("(6378168, 0, 0)", "'(6378168, 0, 0)'"),), bad=("(1,2,3)", "x", *NO_TEXTS)),
    Type("lo", "int", ((0, "0"), (2**32 - 1, "4294967295")), (-1, 2**32, "1"), extension="lo"),
    *refused("query_int", "intbig_gkey", why=WHY, extension="intarray"),
    *refused("lquery", "ltree_gist", "ltxtquery", why=WHY, extension="ltree"),
    *refused("gtrgm", why=WHY, extension="pg_trgm"),
    *refused("ghstore", why=WHY, extension="hstore"),
    *refused(*(f"gbtreekey{size}" for size in ("2", "4", "8", "16", "32", "_var")), why=WHY, extension="btree_gist"),
]  # fmt: skip

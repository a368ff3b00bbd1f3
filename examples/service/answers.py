"""What is asked for at each address, and the answer to it."""

import json
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from backfill.examples.service import data

MOST_TEXTS: Final = 50  # a call


@dataclass(frozen=True)
class Asked:
    """The keys that a call is about, and its answer; without one a status and why."""

    keys: tuple[str, ...]
    answer: Any
    status: int = 404
    why: str = "there is none"


async def price(request: web.Request) -> Asked:
    """`GET /prices/587`."""
    type_id = request.match_info["type_id"]
    return Asked((type_id,), data.price(int(type_id)))


async def generation(request: web.Request) -> Asked:
    """`GET /generation/unit-0007/2024-03`."""
    unit, month = request.match_info["unit"], request.match_info["month"]
    return Asked((f"{unit}/{month}",), data.generation(unit, month))


async def classify(request: web.Request) -> Asked:
    """`POST /classify` with {"texts": […]}: a label for each, in their order; none at all where one is empty."""
    try:
        texts = json.loads(await request.read())["texts"]
        good = isinstance(texts, list) and all(isinstance(text, str) for text in texts)
    except (ValueError, KeyError, TypeError):
        texts, good = [], False
    if not good:
        return Asked((), None, 400, 'send {"texts": ["…", "…"]}')
    if len(texts) > MOST_TEXTS:
        return Asked((), None, 413, f"{len(texts)} texts are more than {MOST_TEXTS}")
    if not all(text.strip() for text in texts):
        return Asked((), None, 422, "one of the texts is empty")
    return Asked(tuple(texts), {"labels": [data.label(text) for text in texts]})

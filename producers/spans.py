"""Plan the records of a table, span by span along its key."""

from typing import Final

from backfill.catalog import Target
from backfill.ledger import planning
from backfill.ledger.pace import Pace
from backfill.ledger.planning import Page
from backfill.ledger.spans import Bounds
from backfill.producers.source import Planning

PAGE_PARTITIONS: Final = 20  # a transaction's worth: few commits, bounded memory
PAGE_BYTES: Final = 8_388_608  # of ids, whatever a key is like


class Spans:
    """The records between two keys, or those of some ids."""

    def __init__(self, planned: Planning, target: Target, bounds: Bounds, ids: list[str] | None) -> None:
        self._planned = planned
        self._target = target
        self._bounds = bounds
        self._ids = ids
        self._id_bytes = target.key.longest
        self._pace = Pace(rows=PAGE_PARTITIONS * planned.job.batch_size)

    async def plan(self, cursor: str | None, next_number: int, room: int | None) -> Page | None:
        """Read as many rows as take a short time; several times where few of them match."""
        most = page_size(self._planned.job.batch_size, self._id_bytes)
        if room is not None:
            most = min(most, room)

        async def read(rows: int) -> Page | None:
            planned = self._planned
            return await planned.parts.watch.patiently(
                lambda: planning.plan_page(
                    planned.connection,
                    self._target,
                    planned.job,
                    producer=planned.producer,
                    cursor=cursor,
                    bounds=self._bounds,
                    rows=rows,
                    most=most,
                    next_number=next_number,
                    ids=self._ids,
                )
            )

        def enough(page: Page | None) -> int | None:
            return most if page and page.found >= most else None

        page = await self._pace.step(read, enough=enough)
        if page is not None and page.partitions:
            self._id_bytes = max(map(len, page.partitions[-1].record_ids))
        return page


def page_size(batch_size: int, id_bytes: int) -> int:
    """Records of a page: whole partitions, as many as memory allows."""
    partitions = PAGE_BYTES // (batch_size * max(id_bytes, 1))
    return batch_size * max(1, min(PAGE_PARTITIONS, partitions))

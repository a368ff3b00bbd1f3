"""The partitions of a job: a list, one with its records, and all of them as a map."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from backfill.ledger import jobs as ledger
from backfill.ledger import views
from backfill.states import PartitionState
from backfill.web.answers import Answer, listed
from backfill.web.models import Listed
from backfill.web.models import partitions as models
from backfill.web.place import Cursor, Here, Job, Limit, Text

__all__ = ["router"]

router = APIRouter(tags=["jobs"])

Key = Annotated[Text | None, Query(max_length=20, description="A partition_key; the span has it too.")]


@router.get("/jobs/{job}/partitions", responses={200: {"model": Listed[models.Partition]}})
async def many(
    place: Here,
    job: Job,
    state: Annotated[list[PartitionState] | None, Query(description="Only in one of these states.")] = None,
    first_key: Key = None,
    last_key: Key = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Answer:
    """Partitions in order of work."""
    async with place.ledger.connection() as connection:
        return listed(
            await views.partition_page(
                connection,
                await ledger.find(connection, job),
                states=[one.value for one in state or ()],
                first_key=first_key,
                last_key=last_key,
                cursor=cursor,
                limit=limit,
            )
        )


@router.get("/jobs/{job}/partitions/{key}", responses={200: {"model": models.WholePartition}})
async def one(place: Here, job: Job, key: Annotated[Text, Path(max_length=20)]) -> Answer:
    """A partition with the ids of its records, of those that are left, and its failures."""
    async with place.ledger.connection() as connection:
        return Answer(await views.partition(connection, await ledger.find(connection, job), key))


@router.get("/jobs/{job}/map", responses={200: {"model": models.Map}})
async def cells(
    place: Here, job: Job, bins: Annotated[int, Query(ge=1, le=1_000, description="At most so many cells.")] = 200
) -> Answer:
    """All partitions in order of work, as cells of one or many of them."""
    async with place.ledger.connection() as connection:
        return Answer(await views.partition_map(connection, await ledger.find(connection, job), bins))

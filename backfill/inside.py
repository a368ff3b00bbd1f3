"""Be inside of a definition's `opened`; what it raises is told as what it is, the definition's."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from backfill import texts
from backfill.definition import Definition
from backfill.errors import BackfillError, UsageError


@asynccontextmanager
async def inside(definitions: Iterable[Definition]) -> AsyncIterator[None]:
    """Enter each, and leave them in reverse; raises UsageError for one that cannot be opened."""
    async with AsyncExitStack() as stack:
        for definition in definitions:
            try:
                await stack.enter_async_context(definition.opened())
            except BackfillError:
                raise
            except Exception as error:
                title = type(definition).__name__
                raise UsageError(
                    f"{title} cannot be opened ({texts.in_a_line(error)}); `opened` is an asynchronous context manager"
                ) from error
        yield

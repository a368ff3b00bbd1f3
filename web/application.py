"""The application: its routes, its guards, and how errors are told. Routers are put together here and nowhere else."""

from typing import Final

from fastapi import FastAPI
from starlette.types import ASGIApp

from backfill import __version__
from backfill.web import (
    backfills,
    course,
    jobs,
    machines,
    monitor,
    overview,
    pages,
    partitions,
    probes,
    problems,
    session,
    starting,
    steering,
)
from backfill.web.body import Body
from backfill.web.description import PROBLEMS, Described
from backfill.web.guard import API, Guard
from backfill.web.place import Place

# Behind API; what changes something is for the role `operate`, which the guard sees to.
ROUTERS: Final = (
    session.router,
    overview.router,
    jobs.router,
    partitions.router,
    course.router,
    backfills.router,
    machines.router,
    monitor.router,
    starting.router,
    steering.router,
)


def made(place: Place, names: frozenset[str]) -> ASGIApp:
    """The application of a server that browsers may know by these names."""
    app = described()
    app.state.place = place
    return Guard(Body(app), place.callers, names)


def described() -> FastAPI:
    """The routes alone, which is what the description of the API is made of."""
    app = Described(
        title="backfill",
        version=__version__,
        summary="Jobs of one tenant: open, watch and steer them.",
        openapi_url=f"{API}/openapi.json",
        docs_url=None,  # would fetch its scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        responses=PROBLEMS,
    )
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router, prefix=API)
    app.include_router(probes.router)
    pages.install(app)
    return app

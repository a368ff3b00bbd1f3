"""Where a storm takes place: servers that all share, or a pair of its lane's own that may be restarted."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from backfill.services import Services
from backfill.services.postgres import Postgres
from backfill.services.rabbitmq import Rabbitmq
from tests.support import broker, databases


@dataclass(frozen=True)
class Place:
    """A database with the ledger's empty tables, and a virtual host."""

    database_url: str = field(repr=False)
    amqp_url: str = field(repr=False)
    management_url: str = field(repr=False)
    postgres: Postgres | None = None  # that may be restarted
    rabbitmq: Rabbitmq | None = None

    @property
    def vhost(self) -> str:
        return self.amqp_url.rpartition("/")[2]


@dataclass(frozen=True)
class Lane:
    """The services of one process that plays storm after storm."""

    shared: Services
    postgres: Postgres | None = None
    rabbitmq: Rabbitmq | None = None

    @asynccontextmanager
    async def place(self, *, private: bool) -> AsyncIterator[Place]:
        postgres, rabbitmq = (self.postgres, self.rabbitmq) if private else (None, None)
        if postgres and rabbitmq:
            postgres.start()  # the storm before may have left it down
            rabbitmq.start()
        server = postgres.url if postgres else self.shared.database_url
        amqp = rabbitmq.url if rabbitmq else self.shared.amqp_url
        management = rabbitmq.management_url if rabbitmq else self.shared.management_url
        assert management
        with broker.new_vhost(amqp, management) as vhost:
            async with databases.new_database(server) as database:
                await databases.apply_ledger(database)
                yield Place(database, vhost, management, postgres, rabbitmq)
                if postgres and rabbitmq:
                    postgres.start()
                    rabbitmq.start()

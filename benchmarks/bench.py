"""What the sections share: the arena, the options, and peaks of memory that are seen on the way."""

from dataclasses import dataclass, field

from backfill import door
from benchmarks import sql, toolkit
from benchmarks.arena import Arena, Site, ready, with_path
from benchmarks.options import Options
from benchmarks.toolkit import Worked
from benchmarks.workloads import KILLMAILS, Workload


@dataclass
class Bench:
    arena: Arena
    options: Options
    worker_peaks: list[int] = field(default_factory=list)
    producer_peaks: list[int] = field(default_factory=list)

    def worked(
        self,
        records: int,
        *flags: str,
        workers: int = 1,
        prefetch: int | None = None,
        workload: Workload = KILLMAILS,
    ) -> Worked:
        """One run of our worker on a fresh copy of so many records, its values checked."""
        template = self.arena.template(workload.kind, records)
        with self.arena.site(template) as site:
            worked = toolkit.work(site, workload.app, records, *flags, workers=workers, prefetch=prefetch)
            self.check(site, template, records, workload)
        self.worker_peaks.append(worked.peak_bytes)
        more = " ".join(("", *flags, *([f"--prefetch={prefetch}"] if prefetch else ())))
        self.say(f"{workers} worker(s), {records:,} {workload.kind}{more}: {worked.seconds:.2f} s")
        return worked

    def ran(self, records: int, workload: Workload = KILLMAILS) -> Worked:
        """One `backfill run` on a fresh copy of so many records, its values checked."""
        template = self.arena.template(workload.kind, records)
        with self.arena.site(template) as site:
            ran = toolkit.run(site, workload.app, records)
            self.check(site, template, records, workload)
        self.say(f"backfill run, {records:,} {workload.kind}: {ran.seconds:.2f} s")
        return ran

    def updated(self, records: int, workload: Workload = KILLMAILS) -> float:
        """Seconds of the single statement that does the same, on a fresh copy, its values checked."""
        template = self.arena.template(workload.kind, records)
        with self.arena.site(template) as site:
            ready(site)
            seconds = sql.execute(site.database_url, workload.update)
            self.check(site, template, records, workload)
        self.say(f"UPDATE, {records:,} {workload.kind}: {seconds:.2f} s")
        return seconds

    def queued(self, ids: int) -> tuple[float, float]:
        """One run of our producer on a fresh table of ids; ids a second that it prints, and by its whole process."""
        with self.arena.site(self.arena.template("plain_ids", ids)) as site:
            ready(site)
            rate, outcome = toolkit.queue(site, toolkit.PLAIN_IDS, ids)
        self.producer_peaks.append(outcome.peak_bytes)
        self.say(f"queued {ids:,} ids: {rate:,.0f}/s")
        return rate, ids / outcome.seconds

    def check(self, site: Site, template: str, upto: int, workload: Workload = KILLMAILS) -> None:
        """Raises AssertionError when the values up to an id are not what they should be."""
        workload.check(site.database_url, with_path(self.arena.services.database_url, template), upto)

    @staticmethod
    def say(text: str) -> None:
        """Progress, beside the table."""
        door.line(text, beside=True)

"""What a page, an API and a report show of the ledger: read at a cost that does not grow with a job's partitions.

Items are of the names of `status --json`; ids and keys are texts, and times are datetimes with their zone.
"""

from backfill.ledger.views.attention import attention
from backfill.ledger.views.cells import partition_map
from backfill.ledger.views.checks import checklist
from backfill.ledger.views.coverage import coverage
from backfill.ledger.views.depths import depths
from backfill.ledger.views.events import event_page
from backfill.ledger.views.failures import Groups, failure_groups, failure_page
from backfill.ledger.views.job_workers import job_workers
from backfill.ledger.views.jobs import job_page
from backfill.ledger.views.milestones import milestones
from backfill.ledger.views.minutes import minutes, settings_changes
from backfill.ledger.views.overview import last_successes, overview
from backfill.ledger.views.page import Page
from backfill.ledger.views.partitions import partition, partition_page
from backfill.ledger.views.report import Report, report
from backfill.ledger.views.ticket import markdown

__all__ = [
    "Groups",
    "Page",
    "Report",
    "attention",
    "checklist",
    "coverage",
    "depths",
    "event_page",
    "failure_groups",
    "failure_page",
    "job_page",
    "job_workers",
    "last_successes",
    "markdown",
    "milestones",
    "minutes",
    "overview",
    "partition",
    "partition_map",
    "partition_page",
    "report",
    "settings_changes",
]

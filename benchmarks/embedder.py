"""`python -m benchmarks.embedder PROCESSES`: embed all advertisements of DATABASE_URL, and print how long it took."""

import json
import multiprocessing
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from backfill import door
from backfill.examples.embeddings import JobEmbeddings
from benchmarks import sql

SIZE = JobEmbeddings.call_size


def embed(records: list[dict[str, Any]]) -> int:
    """One call, as a worker makes it."""
    return len(JobEmbeddings().compute_many(records))


def main() -> None:
    url, processes = os.environ["DATABASE_URL"], int(sys.argv[1])
    records = json.loads(sql.row(url, "SELECT json_agg(jobs ORDER BY id)::text AS found FROM jobs")["found"])
    calls = [records[first : first + SIZE] for first in range(0, len(records), SIZE)]
    began = time.monotonic()
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        assert sum(pool.map(embed, calls)) == len(records)
        door.line(time.monotonic() - began)


if __name__ == "__main__":
    main()

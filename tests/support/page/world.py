"""The made-up jobs, and what becomes of them when the page does something."""

import itertools
from typing import Any

from tests.support.page import made_up_jobs as jobs
from tests.support.page import made_up_parts as parts
from tests.support.page import made_up_reports
from tests.support.page import made_up_rest as rest
from tests.support.page.scene import HOSTILE, jobs_of_all_kinds

TEXTS = {
    "pause": "no partition starts any more",
    "resume": "workers go on",
    "cancel": "what is open stays as it is",
    "reset-stuck": "2 partitions were reset",
}
BECOMES = {"pause": "paused", "resume": "running", "cancel": "cancelled"}


class RefusalError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, title: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}


class World:
    """All that the stub shows."""

    def __init__(self, ended: int = 60) -> None:
        scene = jobs_of_all_kinds()
        self.jobs = {one["job"]: one for one in (*scene, *jobs.many(ended))}
        self.running, self.planning, self.paused, self.pending, self.completed, self.hostile = (
            one["job"] for one in scene
        )
        self.workers = [rest.worker(n, job=self.running) for n in (1, 2, 3)] + [rest.worker(4, "gone")]
        self.monitored = made_up_reports.reports()
        self.history: dict[str, list[dict[str, Any]]] = {}
        self.keys: dict[str, str] = {}
        self.opened: set[str] = set()
        self.matched = 12_345
        self.numbers = itertools.count(9_001)

    def find(self, job: str) -> dict[str, Any]:
        if job not in self.jobs:
            raise RefusalError(404, "No such job", f"no job {job!r}; see: backfill list", exit_code=3)
        return self.jobs[job]

    def counts(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for one in self.jobs.values():
            found[one["state"]] = found.get(one["state"], 0) + 1
        return found

    def events(self, job: str) -> list[dict[str, Any]]:
        found = self.find(job)
        return [*reversed(self.history.get(job, [])), *([] if job in self.opened else parts.events(found))]

    def groups(self, job: str) -> list[dict[str, Any]]:
        found = self.find(job)
        if not found["failed"]:
            return []
        if job == self.hostile:
            return [{"error_class": HOSTILE, "message": HOSTILE, "failed": 9, "sample": [HOSTILE]}]
        return [one | {"sample": [str(9_007_199_254_740_993 + n) for n in range(3)]} for one in parts.GROUPS]

    def act(self, job: str, verb: str, body: dict[str, Any], actor: str) -> dict[str, Any]:
        """Do what the page asked for, as the server would."""
        found = self.find(job)
        self._need(found, "patch" if verb == "set" else verb)
        old = found["state"]
        if verb in BECOMES:
            found |= {
                "state": BECOMES[verb],
                "state_since": jobs.at(0),
                "paused_by": actor,
                "pause_reason": body.get("reason"),
            }
            found |= {"paused_at": jobs.at(0), "pause_cause": None, "rate": 2_400.0 if verb == "resume" else None}
            if verb == "cancel":
                found |= {"completed_at": jobs.at(0), "seconds_left": None, "estimated_completion_at": None}
        if verb == "set":
            self._set(found, body)
        is_state = verb in BECOMES
        self.history.setdefault(job, []).append(
            {
                "id": str(next(self.numbers)),
                "at": jobs.at(0),
                "event": f"job.{found['state'] if is_state else verb}",
                "actor": actor,
                "login": "backfill_server",
                "from_state": old if is_state else None,
                "to_state": found["state"] if is_state else None,
                "reason": body.get("reason"),
                "details": body if verb == "set" else {},
            }
        )
        return {"job": job, "state": found["state"], "changed": True, "text": f"Job {job}: {TEXTS.get(verb, 'done')}."}

    def _set(self, found: dict[str, Any], body: dict[str, Any]) -> None:
        if (body.get("max_workers") or 0) > 10_000:
            raise RefusalError(422, "Wrong call", "max_workers is at most 10000", exit_code=2)
        names = {"deadline": "sla_deadline_at"}
        found |= {names.get(name, name): value for name, value in body.items()}
        found["sla"] = "on_time" if found["sla_deadline_at"] else None

    def retry(self, job: str, body: dict[str, Any]) -> dict[str, Any]:
        found = self.find(job)
        self._need(found, "retry")
        records = len(body.get("record_ids") or ()) or sum(
            one["failed"] for one in self.groups(job) if body.get("error_class") in (None, one["error_class"])
        )
        opened = self._open(found["backfill"], found["mode"], records, parent_job=job)
        return {"job": opened["job"], "parent": job, "records": records}

    def delete(self, job: str) -> dict[str, Any]:
        self._need(self.find(job), "delete")
        del self.jobs[job]
        return {"job": job, "deleted": True}

    def preview(self, body: dict[str, Any]) -> dict[str, Any]:
        if body.get("after") == "x":
            raise RefusalError(422, "Wrong call", "--after: 'x' is no bigint; see: backfill-queue --help", exit_code=2)
        return {
            "backfill": body["backfill"],
            "mode": body["mode"],
            "parameters": body.get("parameters", {}),
            "matched": min(self.matched, body.get("limit") or self.matched),
            "matched_is_estimate": False,
            "batch_size": body.get("batch_size", 500),
            "predicate": "total_value IS NULL AND solar_system_id <> 0",
            "query_plan": ["Limit  (cost=0.43..812.10)", "  ->  Index Only Scan using killmails_todo on killmails"],
            "warnings": ["2 other jobs of killmail_values are active"] if body["mode"] == "all" else [],
            "missing": [],
            "dry_run": True,
        }

    def start(self, body: dict[str, Any], key: str) -> dict[str, Any]:
        if key in self.keys:
            return jobs.shown(self.jobs[self.keys[key]])
        opened = self._open(body["backfill"], body["mode"], self.matched, priority=body["priority"])
        self.keys[key] = opened["job"]
        return jobs.shown(opened)

    def _open(self, backfill: str, mode: str, matched: int, **more: Any) -> dict[str, Any]:
        opened = jobs.job(next(self.numbers), "pending", backfill, mode=mode, matched=matched, started_at=None, **more)
        self.jobs = {opened["job"]: opened, **self.jobs}
        self.opened.add(opened["job"])
        return opened

    def _need(self, found: dict[str, Any], verb: str) -> None:
        allowed = jobs.ALLOWED[found["state"]]
        if verb not in allowed:
            detail = f"job {found['job']} is {found['state']}"
            raise RefusalError(409, "The job's state does not allow it", detail, allowed=allowed, exit_code=4)

"""What happened: for each incident the files that it left, by name."""

from collections.abc import Callable

from tests.incidents.writing import MINUTE, NOW, Log, Worker, stamp, told

Files = dict[str, str]
BEGAN = told("14:40:00")


def crew(many: int, rate: float, spread: float, log: Log, begun_at: float = BEGAN) -> list[Worker]:
    return [Worker(number, rate * log.chance.uniform(1 - spread, 1 + spread), begun_at) for number in range(many)]


def begins(log: Log, many: int, at: float = BEGAN) -> None:
    log.say(at, f"starting {many} workers, blocks 18000000 to 20400000, target clickhouse db1:8123")
    log.say(at + 1, "0 errors, 0 retries so far")


def healthy() -> Files:
    log = Log("healthy")
    begins(log, 24)
    log.progress(crew(24, 0.95, 0.06, log), BEGAN, NOW, 2 * MINUTE)
    log.refused(31, BEGAN + 20 * MINUTE, NOW - 5 * MINUTE, 24)
    return {"load.log": log.text()}


def slow_worker() -> Files:
    log = Log("slow_worker")
    begins(log, 24)
    workers = crew(24, 1.5, 0.08, log)
    workers[9].rate = 0.765
    log.progress(workers, BEGAN, NOW, 2 * MINUTE)
    return {"load.log": log.text()}


def rate_limits() -> Files:
    log = Log("rate_limits")
    begins(log, 24)
    until = told("15:48:00")
    workers = crew(24, 0.6, 0.05, log)
    log.progress(workers, BEGAN, until, 2 * MINUTE)
    slow = [Worker(one.name, one.rate / 12, until, one.after(until)) for one in workers]
    log.progress(slow, until, NOW, 2 * MINUTE)
    for minute in range(12):
        since = until + minute * MINUTE
        for at in log.moments(2 + minute * minute // 2, since, since + MINUTE - 8):
            who = log.chance.randrange(24)
            log.say(at, f"[worker-{who}] HTTP 429 Too Many Requests, retry-after 1")
            log.say(at + 1, f"[worker-{who}] Attempt 1/3 failed, retrying")
            if minute > 7 and log.chance.random() < 0.2:
                log.say(
                    at + 5, f"[worker-{who}] max retries exceeded for block {18_000_000 + int(at) % 99_999}, skipped"
                )
            else:
                log.say(at + 3, f"[worker-{who}] recovered after 2 attempts")
    return {"load.log": log.text()}


def dead() -> Files:
    log = Log("dead")
    begins(log, 24)
    died = told("15:31:17")
    log.progress(crew(24, 0.9, 0.05, log), BEGAN, died, 2 * MINUTE)
    log.say(died, "<--- Last few GCs --->")
    log.say(died + 0.1, "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory")
    return {"load.log": log.text() + "Aborted (core dumped)\n"}


def finished() -> Files:
    log = Log("finished")
    begins(log, 24, told("13:10:00"))
    log.progress(crew(24, 0.75, 0.04, log, told("13:10:00")), told("13:10:00"), NOW, 3 * MINUTE)
    log.refused(18, told("13:30:00"), told("15:00:00"), 24)
    log.say(told("15:40:00"), "Backfill complete: 24,000,000 rows in 8460 s, 0 errors")
    return {"load.log": log.text()}


def restarted() -> Files:
    log = Log("restarted")
    begins(log, 12)
    crashed = told("15:20:00")
    log.progress(crew(12, 1.1, 0.05, log), BEGAN, crashed, MINUTE)
    log.say(crashed + 1, "exited with code 137, restarting in 10 s")
    begins(log, 12, crashed + 11)
    log.progress(crew(12, 1.1, 0.05, log, crashed + 11), crashed + 15, NOW, MINUTE)
    return {"load.log": log.text()}


def disk_full() -> Files:
    log = Log("disk_full")
    begins(log, 16)
    full = told("15:46:30")
    log.progress(crew(16, 0.8, 0.05, log), BEGAN, full, 90)
    for at in log.moments(60, full, NOW - 4):
        who = log.chance.randrange(16)
        log.say(at, f"[worker-{who}] Error: ENOSPC: no space left on device, write '/data/out/part-{who}.csv'")
    return {"load.log": log.text()}


def rotated() -> Files:
    old, new = Log("rotated"), Log("rotated again")
    begins(old, 16)
    turned = told("15:25:00")
    workers = crew(16, 0.9, 0.05, old)
    old.progress(workers, BEGAN, turned, 90)
    old.refused(12, BEGAN, turned - 30, 16)
    new.progress(workers, turned, NOW, 90)
    new.refused(9, turned, NOW - 300, 16)
    return {"load.log.1": old.text(), "load.log": new.text()}


def clock_jumped() -> Files:
    log = Log("clock_jumped")
    jumped = told("15:15:00")
    workers = crew(8, 0.9, 0.05, log)
    log.progress(workers, BEGAN, jumped, 45)
    first = log.text()
    # The clock was 50 minutes ahead until it was set right.
    wrong = "".join(f"{stamp(told(line[11:23]) + 50 * MINUTE)}{line[24:]}\n" for line in first.splitlines())
    log.lines.clear()
    log.progress(workers, jumped, NOW, 45)
    return {"load.log": wrong + log.text()}


def apart() -> Files:
    log = Log("apart")
    begins(log, 16)
    workers = [Worker(number, 0.25 + 0.055 * number, BEGAN) for number in range(16)]
    log.progress(workers, BEGAN, NOW, 90)
    return {"load.log": log.text()}


def stuck() -> Files:
    log = Log("stuck")
    begins(log, 12)
    last = told("15:33:20")
    log.progress(crew(12, 0.9, 0.05, log), BEGAN, last, MINUTE)
    log.say(last + 2, "waiting for a connection of the pool (0 of 12 free)")
    return {"load.log": log.text()}


def api_sync() -> Files:
    log = Log("api_sync")
    log.say(BEGAN, "sync of 4,320,000 orders, 100 a page, 5 requests a second at most")
    for step in range(1, 481):
        at = BEGAN + step * 9.9
        log.say(at, f"GET https://api.example.org/orders?page={45 * step} 200 in {log.chance.randrange(80, 400)} ms")
    for at in log.moments(9, BEGAN + 300, NOW - 600):
        log.say(at, "GET https://api.example.org/orders: HTTP 429 Too Many Requests")
        log.say(at + 1.5, "recovered after 2 attempts")
    return {"sync.log": log.text()}


def recorder() -> Files:
    log = Log("recorder")
    for number in range(280):
        at = BEGAN + number * 17
        symbol = ("BTC-USD", "ETH-USD", "SOL-USD")[number % 3]
        log.say(at, f"wrote book-{symbol}-{number:05}.parquet, {log.chance.randrange(9, 14)}.{number % 10} MB")
    log.say(told("15:12:40"), "error: read of book-ETH-USD-00115.parquet failed: checksum mismatch")
    return {"record.log": log.text()}


STORIES: dict[str, Callable[[], Files]] = {
    story.__name__: story
    for story in (
        *(healthy, slow_worker, rate_limits, dead, finished, restarted, disk_full, rotated),
        *(clock_jumped, apart, stuck, api_sync, recorder),
    )
}

"""What stretches add up to, and that it stays bounded however many there are."""

from itertools import pairwise

from backfill.monitor.logs import tally as tallies
from backfill.monitor.logs.happenings import Example, Happening
from backfill.monitor.logs.tally import Tally
from backfill.monitor.logs.ways import MOST_KEPT, begun
from backfill.monitor.readings import MOST_EXAMPLES, MOST_MINUTES


def test_a_number_keeps_points_of_all_its_time_and_not_too_many() -> None:
    series = begun(0.0, 0, 0)
    for second in range(1, 100_000):
        series.add(float(second), second, second)
    assert MOST_KEPT // 2 <= len(series.points) <= MOST_KEPT
    at = sorted(when for when, _ in series.points.values())
    assert at[0] < 4_096
    assert at[-1] == 99_999
    assert max(after - before for before, after in pairwise(at)) <= 4_096


def test_points_are_those_of_one_stretch_also_when_there_were_two() -> None:
    whole, front, back = begun(0.0, 0, 0), begun(0.0, 0, 0), begun(500.0, 500, 500)
    for second in range(1, 1_000):
        whole.add(float(second), second, second)
        if second < 500:
            front.add(float(second), second, second)
        elif second > 500:
            back.add(float(second), second, second)
    front.then(back)
    assert front == whole


def test_what_stands_still_is_known_since_when() -> None:
    series = begun(1.0, 5, 0)
    for second in (2, 3, 4):
        series.add(float(second), 5, second)
    other = begun(5.0, 5, 5)
    other.add(6.0, 5, 6)
    series.then(other)
    assert (series.grown_at, series.last_at, series.is_flat) == (1.0, 6.0, True)
    series.add(7.0, 6, 7)
    series.add(8.0, 6, 8)
    assert (series.grown_at, series.last_at, series.is_flat) == (7.0, 8.0, False)


def test_what_falls_to_nearly_nothing_has_begun_again() -> None:
    series = begun(None, 90, 0)
    for value in (4, 50, 40, 0, 10):
        series.add(None, value, 0)
    assert (series.restarts, series.backwards, series.carried) == (2, 1, 90 + 50 + 40)


def test_examples_are_the_first_and_the_newest_and_minutes_the_newest() -> None:
    first, second = Happening(), Happening()
    for number in range(2_000):
        (first if number < 1_000 else second).add(Example(number % 1_000, str(number), 60.0 * number))
    first.then(second, 1_000)
    assert first.total == 2_000
    assert [(one.number, one.text) for one in first.examples] == [(n, str(n)) for n in (0, 1_996, 1_997, 1_998, 1_999)]
    assert len(first.examples) == MOST_EXAMPLES
    assert list(first.minutes) == list(range(2_000 - MOST_MINUTES, 2_000))
    assert first.last_at == 60.0 * 1_999


def test_workers_are_bounded_and_have_fewer_points_where_there_are_many(monkeypatch) -> None:
    monkeypatch.setattr(tallies, "MOST_WORKERS", 3_000)
    tally = Tally()
    for number in range(3_001):
        way = tally.way(str(number))
        if way is not None:
            for second in range(20):
                way.add("%", 100.0 * second, second, second)
    assert len(tally.ways) == 3_000
    assert tally.dropped_workers
    assert max(len(way.series["%"].points) for way in tally.ways.values()) <= 4


def test_times_that_fall_and_silences_are_told_by_examples() -> None:
    first, second = Tally(lines=10), Tally(lines=10)
    for number in range(10):
        first.timed(number, 1_000.0 - 300 * (number % 2))
        second.timed(number, 9_000.0)
    first.then(second)
    assert first.jumps_back == 5
    assert len(first.back) == 5
    assert [(one.number, one.before, one.after) for one in first.silences] == [(10, 700.0, 9_000.0)]
    assert (first.first_at, first.last_at, first.newest_at, first.lines) == (1_000.0, 9_000.0, 9_000.0, 20)


def test_days_that_no_line_says_are_the_same_in_one_stretch_and_in_two() -> None:
    times = [82_800.0, 3_600.0, 7_200.0, 3_600.0, 80_000.0, 10.0]  # hours of four days
    for cut in range(len(times) + 1):
        parts = Tally(lines=cut), Tally()
        for number, at in enumerate(times):
            part = parts[number >= cut]
            place = number if number < cut else number - cut
            part.timed(place, at, is_dateless=True)
            part.happens("x", Example(place, "x", at))
        whole = parts[0].then(parts[1])
        assert (whole.first_at, whole.last_at, whole.days) == (82_800.0 - 2 * 86_400, 10.0, 2), cut
        assert sorted(whole.happened["x"].minutes) == sorted(
            int(at // 60) for at in (82_800 - 172_800, 3_600 - 86_400, 7_200 - 86_400, 80_000 - 86_400, 10.0)
        )


def test_points_of_before_the_clock_was_set_back_are_forgotten() -> None:
    for cut in range(1, 6):
        parts, times = [], [1_000.0, 1_100.0, 1_200.0, 500.0, 600.0, 700.0]
        for some in (range(cut), range(cut, 6)):
            series = begun(times[some[0]], some[0], some[0])
            for number in some[1:]:
                series.add(times[number], number, number)
            parts.append(series)
        parts[0].then(parts[1])
        assert sorted(parts[0].points.values()) == [(500.0, 3), (600.0, 4), (700.0, 5)], cut
        assert (parts[0].oldest, parts[0].last_at) == ((500.0, 3), 700.0)

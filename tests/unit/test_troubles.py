"""What goes wrong again and again is said once, until it changes."""

from backfill.workers.troubles import MOST, Troubles


def test_the_same_is_said_once_and_again_once_it_was_over_or_is_another() -> None:
    said: list[str] = []
    troubles = Troubles(said.append)
    for text in ("a", "a", "b", "b", "a"):
        troubles.tell("job", text)
    troubles.tell("another", "a")
    troubles.over("job")
    troubles.over("job")
    troubles.tell("job", "a")
    assert said == ["a", "b", "a", "a", "a"]


def test_no_more_than_so_many_are_remembered() -> None:
    said: list[str] = []
    troubles = Troubles(said.append)
    for number in range(MOST + 1):
        troubles.tell(number, "trouble")
    troubles.tell(MOST, "trouble")
    assert len(said) == MOST + 1
    troubles.tell(0, "trouble")
    assert len(said) == MOST + 2

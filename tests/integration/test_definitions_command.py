"""`backfill definitions`: what the app offers, and what of it works on the tables as they are."""

from tests.support.operating import ask, done
from tests.support.world import World

APP = "tests.support.definitions"


async def test_each_is_listed_with_its_columns_and_the_modes_that_work(world: World) -> None:
    answer = await done(world, "definitions", "--app", APP)
    assert "counter: things (id) -> value\n  modes: null, zero, all\n" in answer.out
    assert "normalised: labels (id) -> normalised\n  modes: null, all\n" in answer.out
    assert "  parameters: factor" in answer.out

    listed = (await done(world, "definitions", "--app", APP, "--json")).json["definitions"]
    assert [one["name"] for one in listed] == sorted(one["name"] for one in listed)
    labels = next(one for one in listed if one["name"] == "normalised")
    assert labels["modes"] == ["null", "all"]
    assert "mode zero needs a number" in labels["refusals"]["zero"]
    assert (labels["key"], labels["target"]) == (["id"], "normalised")


async def test_what_no_mode_works_on_says_why(world: World) -> None:
    await world.execute("DROP TABLE labels")
    answer = await done(world, "definitions", "--app", f"{APP}:Normalised")
    assert answer.out == (
        "normalised: labels (id) -> normalised\n  modes: none\n"
        "  refused: table 'labels' of Normalised does not exist; create it, or correct the definition\n"
    )


async def test_it_needs_an_app_and_no_ledger(world: World) -> None:
    await world.execute("DROP TABLE backfill_schema")
    assert (await ask(world, "definitions", "--app", f"{APP}:Counter")).code == 0
    answer = await ask(world, "definitions", "--app", "no_such_module")
    assert answer.code == 2
    assert "cannot import app 'no_such_module'" in answer.err

"""The options that say which records a job is for: those of `backfill-queue` and of `backfill run`."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from backfill.invocation import given
from backfill.modes import MOST_IDS, MOST_OF_A_BATCH, Mode, Priority
from backfill.required import Unmet

if TYPE_CHECKING:
    from backfill.definition import Definition
    from backfill.ledger.jobs import Request

NOT_IN_PASSES: Final = frozenset({"--limit", "--id", "--after", "--idempotency-key"})
AnyCommand = TypeVar("AnyCommand", bound=Callable[..., Any])


def records_options(*, a_batch: str) -> Callable[[AnyCommand], AnyCommand]:
    """Which records, in what order, how many at a time; a batch is what `a_batch` says."""
    return _all(
        click.option(
            "--mode",
            type=click.Choice([mode.value for mode in Mode]),
            default=None,
            help="Which records: target IS NULL, target = 0, or every one."
            "  [default: null; of a PartitionBackfill all]",
        ),
        click.option("--limit", type=click.IntRange(min=1), help="At most so many records, exactly."),
        click.option(
            "--batch-size",
            type=click.IntRange(1, MOST_OF_A_BATCH),
            help=f"Records a {a_batch}.  [default: 500; of a PartitionBackfill its own]",
        ),
        click.option(
            "--order", type=click.Choice(["asc", "desc"]), default="asc", show_default=True, help="Order of keys."
        ),
        click.option(
            "--id", "ids", multiple=True, metavar="ID", help="Just this record, if the mode selects it; repeatable."
        ),
        click.option("--after", metavar="KEY", help="Only records behind this one, in the order of keys."),
        click.option(
            "-P",
            "--parameter",
            "pairs",
            multiple=True,
            metavar="NAME=VALUE",
            help="A parameter of the definition, kept with the job; repeatable.",
        ),
    )


def passes_option(command: AnyCommand) -> AnyCommand:
    """Whether one job is enough."""
    return _all(
        click.option(
            "--until-complete",
            is_flag=True,
            help="Open job after job over what still matches, each once the one before has ended, until nothing "
            "matches or nothing changes.",
        )
    )(command)


def chain_options(command: AnyCommand) -> AnyCommand:
    """What to do about what the definition requires."""
    return _all(
        click.option(
            "--wait-for-required",
            is_flag=True,
            help="Where the definition requires other backfills: wait until they are completed.",
        ),
        click.option(
            "--open-required",
            is_flag=True,
            help="The same, and first open a job of each that was not completed: all of its records, in its own mode.",
        ),
    )(command)


def unmet(options: Mapping[str, Any]) -> Unmet:
    """What `chain_options` came to."""
    return Unmet.OPEN if options["open_required"] else Unmet.WAIT if options["wait_for_required"] else Unmet.REFUSE


def opening_options(*, dry: str, resumed: str) -> Callable[[AnyCommand], AnyCommand]:
    """Whether a job is opened for them: a dry run does not do what `dry` says, and `resumed` is what goes on."""
    return _all(
        click.option("--dry-run", is_flag=True, help=f"Show counts, predicate and query plan; {dry} nothing."),
        click.option(
            "--idempotency-key", metavar="KEY", help="Open one job a key: the same call again goes on with it."
        ),
        click.option(
            "--resume",
            metavar="JOB",
            help=f"Go on with a job {resumed}: an id, its beginning, or latest.",
        ),
    )


def need_fitting(resume: str | None, options: Mapping[str, Any], *beside: str) -> None:
    """Raise UsageError for options that do not go together; `beside` are further ones that `--resume` goes with."""
    with_resume = {"--resume", "[NAME]", "--app", "--json", "--log-format", *beside}
    if resume and (others := given() - with_resume):
        raise click.UsageError(f"--resume goes on with the job as it was opened; leave out {', '.join(sorted(others))}")
    if options["until_complete"] and (others := given() & NOT_IN_PASSES):
        raise click.UsageError(
            f"--until-complete goes over all that matches, in job after job; leave out {', '.join(sorted(others))}"
        )
    if len(options["ids"]) > MOST_IDS:
        raise click.UsageError(f"at most {MOST_IDS:,} --id; leave them out and give a --limit instead")


def request(definition: "Definition", options: Mapping[str, Any]) -> "Request":
    """What was asked for; what was not, as the definition has it."""
    from backfill.ledger.jobs import Request  # the network libraries are not loaded for --help

    return Request(
        Mode(options["mode"]) if options["mode"] else definition.mode,
        Priority(options.get("priority", Priority.NORMAL)),
        options["order"],
        options["batch_size"] or definition.batch_size,
        options["limit"],
        options["ids"],
        options["after"],
        options["idempotency_key"],
    )


def _all(*decorators: Callable[[AnyCommand], AnyCommand]) -> Callable[[AnyCommand], AnyCommand]:
    def decorate(command: AnyCommand) -> AnyCommand:
        for one in reversed(decorators):
            command = one(command)
        return command

    return decorate

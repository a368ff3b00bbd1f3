"""What `backfill-queue` says of a request, in words and as JSON."""

from typing import Any

from backfill import parameters
from backfill.producers.preparation import Preparation
from backfill.producers.screen import Screen
from backfill.settings import Settings
from backfill.topology import Topology


def describe(settings: Settings, screen: Screen, prepared: Preparation) -> None:
    definition, request = prepared.target.definition, prepared.request
    for sentence in prepared.warnings:
        screen.warn(sentence)
    about = "about " if prepared.is_estimate else ""
    words = request.mode.words(definition.table, definition.target_column)
    only = f", only {len(request.ids):,} given by --id" if request.ids else ""
    screen.say(f"Mode: {request.mode.value} - {words}{only}")
    if given := parameters.stored(definition):
        screen.say(f"Parameters: {parameters.shown(given)}")
    limit = f" (limit {request.limit:,})" if request.limit else ""
    screen.say(f"Records: {about}{prepared.matched:,}{limit}")
    screen.say(f"Queue: {Topology(definition.name, settings.tenant).queue(request.priority)}")
    screen.say(f"Batch size: {request.batch_size:,} ({prepared.batches:,} batches)")


def as_json(settings: Settings, prepared: Preparation) -> dict[str, Any]:
    request = prepared.request
    return {
        "backfill": prepared.target.definition.name,
        "mode": request.mode.value,
        "parameters": parameters.stored(prepared.target.definition),
        "priority": request.priority.value,
        "queue": Topology(prepared.target.definition.name, settings.tenant).queue(request.priority),
        "batch_size": request.batch_size,
        "matched": prepared.matched,
        "matched_is_estimate": prepared.is_estimate,
    }

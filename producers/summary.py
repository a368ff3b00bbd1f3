"""What `backfill-queue` says of a request, in words and as JSON."""

from typing import Any

from backfill import parameters, texts
from backfill.producers.parts import Parts
from backfill.producers.source import Prepared
from backfill.topology import Topology


def describe(parts: Parts, prepared: Prepared) -> None:
    definition, request = prepared.definition, prepared.request
    for sentence in prepared.warnings:
        parts.report.warn(sentence)
    about = "about " if prepared.is_estimate else ""
    only = f", only {len(request.ids):,} given by --id" if request.ids else ""
    parts.report.say(f"Mode: {request.mode.value} - {prepared.words}{only}")
    if given := parameters.stored(definition):
        parts.report.say(f"Parameters: {parameters.shown(given)}")
    limit = f" (limit {request.limit:,})" if request.limit else ""
    parts.report.say(f"Records: {about}{prepared.matched:,}{limit}")
    if parts.sends:
        parts.report.say(f"Queue: {Topology(definition.name, parts.settings.tenant).queue(request.priority)}")
    parts.report.say(f"Batch size: {request.batch_size:,} ({texts.counted(prepared.batches, 'batch', 'batches')})")


def as_json(parts: Parts, prepared: Prepared) -> dict[str, Any]:
    request = prepared.request
    return {
        "backfill": prepared.definition.name,
        "mode": request.mode.value,
        "parameters": parameters.stored(prepared.definition),
        "priority": request.priority.value,
        "queue": Topology(prepared.definition.name, parts.settings.tenant).queue(request.priority),
        "batch_size": request.batch_size,
        "matched": prepared.matched,
        "matched_is_estimate": prepared.is_estimate,
    }

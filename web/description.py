"""The description of the API in OpenAPI 3.1, as FastAPI makes it, with problems as what they are sent as."""

from typing import Any, Final

from fastapi import FastAPI

from backfill.web.models import Problem
from backfill.web.problems import MEDIA_TYPE

PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    "4XX": {"model": Problem, "description": "What is wrong with the request, and what to do."},
    "5XX": {"model": Problem, "description": "What is away, and what to do."},
}
A_PROBLEM: Final = "#/components/schemas/Problem"
# FastAPI's own, of whose form no answer of ours is.
FOREIGN: Final = ("HTTPValidationError", "ValidationError")


class Described(FastAPI):
    """An application that describes itself so."""

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            made = super().openapi()
            for methods in made["paths"].values():
                for said in methods.values():
                    said["responses"].pop("422", None)  # one of 4XX
                    for status in PROBLEMS:
                        # As FastAPI has it they are of the kind that the route answers with.
                        said["responses"][status]["content"] = {MEDIA_TYPE: {"schema": {"$ref": A_PROBLEM}}}
            for name in FOREIGN:
                made["components"]["schemas"].pop(name, None)
            made["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            made["security"] = [{"token": []}]
        return self.openapi_schema or {}

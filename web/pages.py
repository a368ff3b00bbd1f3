"""The page: files as they stand in web/page, nothing else of the disk."""

from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

FOLDER: Final = Path(__file__).parent / "page"


def install(app: FastAPI) -> None:
    """Serve the page at / and what it needs under /assets."""
    if not FOLDER.is_dir():
        return

    @app.get("/", include_in_schema=False)
    async def index() -> FileResponse:
        return FileResponse(FOLDER / "index.html", media_type="text/html")

    app.mount("/assets", StaticFiles(directory=FOLDER), name="assets")

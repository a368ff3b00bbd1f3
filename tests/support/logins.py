"""URLs of other roles."""

from urllib.parse import urlsplit, urlunsplit


def as_role(url: str, role: str, password: str, database: str | None = None) -> str:
    """The same server, and database unless another is named, as that role."""
    parts = urlsplit(url)
    where = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{where}", path=database or parts.path))

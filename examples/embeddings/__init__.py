"""Embeddings of job advertisements, computed by a small model on the workers' own processors."""

from backfill.examples.embeddings.definition import JobEmbeddings

__all__ = ["JobEmbeddings"]

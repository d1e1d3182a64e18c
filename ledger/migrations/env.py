"""Alembic's entry: migrates over the connection that `ledger.migrate` hands in."""

from alembic import context
from sqlmodel import SQLModel

from ledger import models

__all__ = ["models"]

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()

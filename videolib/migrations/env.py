"""Alembic's entry for writing new migrations (`docs/where-to-change.md`); upgrades go through `videolib.upgrade`."""

from alembic import context

from videolib.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()

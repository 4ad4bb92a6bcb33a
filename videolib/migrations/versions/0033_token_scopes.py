"""Tokens have a name, scopes, an end, and a last use."""

import sqlalchemy as sa
from alembic import op

import videolib.db

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; tokens from before may what their people may, as before."""
    moment = videolib.db.UtcDateTime(timezone=True)
    with op.batch_alter_table("api_tokens") as table:
        table.add_column(sa.Column("name", sa.String(), nullable=False, server_default=""))
        table.add_column(sa.Column("scopes", sa.JSON(), nullable=False, server_default='["read", "write", "upload"]'))
        table.add_column(sa.Column("expires_at", moment, nullable=True))
        table.add_column(sa.Column("used_at", moment, nullable=True))
    with op.batch_alter_table("api_tokens") as table:
        table.alter_column("name", server_default=None)
        table.alter_column("scopes", server_default=None)

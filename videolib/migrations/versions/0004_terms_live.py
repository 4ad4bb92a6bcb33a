"""Terms have a life: proposed or accepted, valid from and to, retired, merged, with a version."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; terms that are there are accepted and as they were shipped.

    No table is rebuilt: SQLite would take every reference to a term for broken.
    """
    for table in ("schemes", "terms"):
        op.add_column(table, sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
        op.add_column(table, sa.Column("edited", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("terms", sa.Column("status", sa.String(), nullable=False, server_default="accepted"))
    op.add_column("terms", sa.Column("retired", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("terms", sa.Column("merged_into", sa.String(), nullable=True))
    op.add_column("terms", sa.Column("valid_from", sa.Date(), nullable=True))
    op.add_column("terms", sa.Column("valid_to", sa.Date(), nullable=True))
    op.execute(
        "ALTER TABLE terms ADD COLUMN proposed_by_id INTEGER CONSTRAINT fk_terms_proposed_by_id REFERENCES users (id)"
    )

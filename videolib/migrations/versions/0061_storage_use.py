"""Whose room recordings take up: their hospital, the bytes of each stretch of a package, quotas."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None

# the hospital of the case, else the first one of who uploaded it
_HOSPITALS = """
UPDATE {table} SET hospital_id = COALESCE(
  {case}
  (SELECT MIN(m.group_id) FROM group_members m JOIN groups g ON g.id = m.group_id
   WHERE m.user_id = {table}.uploader_id AND g.kind = 'hospital'))
"""
_CASE = "(SELECT c.hospital_id FROM cases c WHERE c.id = recordings.case_id),"


def upgrade() -> None:
    """Add the columns and fill them."""
    with op.batch_alter_table("groups") as table:
        table.add_column(sa.Column("quota_bytes", sa.BigInteger(), nullable=True))
    for name in ("recordings", "uploads"):
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("hospital_id", sa.String(), nullable=True))
            table.create_foreign_key(op.f(f"fk_{name}_hospital_id"), "groups", ["hospital_id"], ["id"])
            table.create_index(op.f(f"ix_{name}_hospital_id"), ["hospital_id"])
    with op.batch_alter_table("chunks") as table:
        table.add_column(sa.Column("bytes", sa.BigInteger(), server_default="0", nullable=False))
    op.execute(_HOSPITALS.format(table="recordings", case=_CASE))
    op.execute(_HOSPITALS.format(table="uploads", case="NULL,"))
    _add_up()


def _add_up() -> None:
    connection = op.get_bind()
    chunks = sa.table("chunks", sa.column("id"), sa.column("objects", sa.JSON), sa.column("bytes"))
    rows = connection.execute(sa.select(chunks.c.id, chunks.c.objects)).all()
    sizes = [{"this": row.id, "size": _sum(row.objects)} for row in rows]
    if sizes:
        change = chunks.update().where(chunks.c.id == sa.bindparam("this")).values(bytes=sa.bindparam("size"))
        connection.execute(change, sizes)


def _sum(objects: object) -> int:
    listed = json.loads(objects) if isinstance(objects, str) else objects
    return sum(int(item["bytes"]) for item in listed) if isinstance(listed, list) else 0

"""Screening, what it finds, what reviewers take out; what was published without a review goes back to the desk."""

import sqlalchemy as sa
from alembic import op

import videolib.db
from videolib.db import utc_now

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_TIME = videolib.db.UtcDateTime(timezone=True)
WHY = "Unpublished by the upgrade: nobody has reviewed the recording for patient data yet."


def upgrade() -> None:
    """Create the tables; hold every recording that nobody has signed off."""
    _add_columns()
    _create_screenings()
    _create_redactions()
    _unpublish()


def _add_columns() -> None:
    with op.batch_alter_table("recordings") as table:
        table.add_column(sa.Column("is_generated", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("signed_off_by_id", sa.Integer(), nullable=True))
        table.add_column(sa.Column("signed_off_at", _TIME, nullable=True))
        table.create_foreign_key(op.f("fk_recordings_signed_off_by_id"), "users", ["signed_off_by_id"], ["id"])
    with op.batch_alter_table("packages") as table:
        table.add_column(sa.Column("redactions", sa.JSON(), nullable=False, server_default="[]"))


def _create_screenings() -> None:
    op.create_table(
        "screenings",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("recording_id", sa.String(), nullable=False),
        sa.Column("package_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("rules_version", sa.Integer(), nullable=False),
        sa.Column("duration_s", sa.Double(), nullable=True),
        sa.Column("done_until_s", sa.Double(), nullable=False),
        sa.Column("notes", sa.JSON(), nullable=False),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("started_at", _TIME, nullable=False),
        sa.Column("finished_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["package_id"], ["packages.id"], name=op.f("fk_screenings_package_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_screenings_recording_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screenings")),
    )
    op.create_index(op.f("ix_screenings_recording_id"), "screenings", ["recording_id"])
    op.create_table(
        "findings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("screening_id", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("start_s", sa.Double(), nullable=True),
        sa.Column("end_s", sa.Double(), nullable=True),
        sa.Column("box", sa.JSON(), nullable=True),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("risk", sa.Double(), nullable=False),
        sa.Column("picture_key", sa.String(), nullable=True),
        sa.Column("frame_sha256", sa.String(), nullable=True),
        sa.Column("decision", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["decided_by_id"], ["users.id"], name=op.f("fk_findings_decided_by_id")),
        sa.ForeignKeyConstraint(
            ["screening_id"], ["screenings.id"], name=op.f("fk_findings_screening_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_findings")),
    )
    op.create_index("ix_findings_screening", "findings", ["screening_id", "risk"])


def _create_redactions() -> None:
    op.create_table(
        "redactions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recording_id", sa.String(), nullable=False),
        sa.Column("finding_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("start_s", sa.Double(), nullable=False),
        sa.Column("end_s", sa.Double(), nullable=False),
        sa.Column("keys", sa.JSON(), nullable=False),
        sa.Column("fill", sa.String(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("made_at", _TIME, nullable=False),
        sa.Column("ended_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", _TIME, nullable=True),
        sa.ForeignKeyConstraint(["ended_by_id"], ["users.id"], name=op.f("fk_redactions_ended_by_id")),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["findings.id"], name=op.f("fk_redactions_finding_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["made_by_id"], ["users.id"], name=op.f("fk_redactions_made_by_id")),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_redactions_recording_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_redactions")),
    )
    op.create_index(op.f("ix_redactions_recording_id"), "redactions", ["recording_id"])
    op.create_table(
        "machine_masks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("machine", sa.String(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("boxes", sa.JSON(), nullable=False),
        sa.Column("fill", sa.String(), nullable=False),
        sa.Column("made_by_id", sa.Integer(), nullable=True),
        sa.Column("made_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["made_by_id"], ["users.id"], name=op.f("fk_machine_masks_made_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_machine_masks")),
        sa.UniqueConstraint("machine", name=op.f("uq_machine_masks_machine")),
    )
    op.create_table(
        "desk_looks",
        sa.Column("recording_id", sa.String(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("windows", sa.JSON(), nullable=False),
        sa.Column("played", sa.JSON(), nullable=False),
        sa.Column("begun_at", _TIME, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["users.id"], name=op.f("fk_desk_looks_person_id")),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_desk_looks_recording_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("recording_id", "person_id", name=op.f("pk_desk_looks")),
    )


def _unpublish() -> None:
    """Hold what nobody signed off; a published entry of it is a draft that is published as soon as somebody has."""
    bind = op.get_bind()
    signed = sa.text("SELECT object_id FROM audit_events WHERE action = 'sign_off' AND object_kind = 'recording'")
    done = {row[0] for row in bind.execute(signed)}
    ready = [row[0] for row in bind.execute(sa.text("SELECT id FROM recordings WHERE state = 'ready'"))]
    hold = sa.text("UPDATE recordings SET state = 'awaiting_review' WHERE id = :id")
    published = sa.text("SELECT id FROM entries WHERE recording_id = :id AND status = 'published'")
    for recording_id in (one for one in ready if one not in done):
        bind.execute(hold, {"id": recording_id})
        for (entry_id,) in bind.execute(published, {"id": recording_id}).all():
            _unpublish_entry(bind, entry_id)


def _unpublish_entry(bind: sa.Connection, entry_id: str) -> None:
    bind.execute(sa.text("UPDATE counters SET value = value + 1 WHERE name = 'entries'"))
    sequence = bind.execute(sa.text("SELECT value FROM counters WHERE name = 'entries'")).scalar_one_or_none() or 0
    change = sa.text(
        "UPDATE entries SET status = 'draft', publish_requested = :yes, revision = revision + 1, "
        "index_sequence = :sequence WHERE id = :id"
    ).bindparams(sa.bindparam("yes", type_=sa.Boolean()))
    bind.execute(change, {"yes": True, "sequence": sequence, "id": entry_id})
    event = sa.text(
        "INSERT INTO audit_events (at, actor_id, action, object_kind, object_id, detail) "
        "VALUES (:at, NULL, 'unpublish', 'entry', :id, :detail)"
    ).bindparams(sa.bindparam("at", type_=_TIME), sa.bindparam("detail", type_=sa.JSON()))
    bind.execute(event, {"at": utc_now(), "id": entry_id, "detail": {"reason": WHY}})

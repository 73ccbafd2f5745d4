"""Nobody but the owner makes a trigger of the log's function, and an entry of a write comes from such a trigger only."""

from pathlib import Path

from django.db import migrations, models

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_unmask_settings")]
    operations = [
        migrations.RunSQL(
            [(SQL / "log.drop.sql").read_text("utf-8"), (SQL / "log.sql").read_text("utf-8")], migrations.RunSQL.noop
        ),
        migrations.AddConstraint(
            "entry",
            models.CheckConstraint(
                condition=models.Q(kind="write", operation__gt="") | ~models.Q(kind="write") & models.Q(operation=""),
                name="audit_write_has_its_operation",
            ),
        ),
    ]

"""The log's functions as they are now; the triggers of the tables are attached anew after the migration."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_audit_log")]
    operations = [
        migrations.RunSQL(
            [(SQL / "log.drop.sql").read_text("utf-8"), (SQL / "log.sql").read_text("utf-8")], migrations.RunSQL.noop
        )
    ]

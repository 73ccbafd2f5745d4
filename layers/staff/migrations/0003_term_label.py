"""What a term is called, in the database, for statements that answer by themselves."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent.parent / "sql" / "term_label.sql"


class Migration(migrations.Migration):
    dependencies = [("staff", "0002_people_and_responsibility")]
    operations = [
        migrations.RunSQL(
            # As a list: a percent sign in the file is not a parameter.
            [SQL.read_text(encoding="utf-8")],
            ["DROP FUNCTION term_label(jsonb, text, text, text, text)"],
        )
    ]

"""Re-homing without reading what stays; which plan's grids are the homes of its features, answered in the database."""

from django.db import migrations

from gis.sql import install, remove


class Migration(migrations.Migration):
    dependencies = [("features", "0004_registers")]
    operations = [
        # Also where an earlier version has it already, and serves as well after going back.
        migrations.RunSQL([install("rehome_table")], migrations.RunSQL.noop),
        migrations.RunSQL([install("area_homing")], [remove("area_homing")]),
    ]

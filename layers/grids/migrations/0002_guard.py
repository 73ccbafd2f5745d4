"""The coverage guard, the plan guard and the audit."""

from django.db import migrations

from gis.sql import install, remove


class Migration(migrations.Migration):
    dependencies = [("grids", "0001_initial")]
    operations = [
        migrations.RunSQL([install(name)], [remove(name)]) for name in ("coverage_guard", "plan_guard", "audit")
    ]

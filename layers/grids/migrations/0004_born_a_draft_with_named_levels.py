"""The plan guard and the audit as they are now: a plan is born a draft, and every level of it has a name."""

from django.db import migrations

from gis.sql import install, remove


class Migration(migrations.Migration):
    dependencies = [("grids", "0003_draft_knows_its_base")]
    operations = [
        migrations.RunSQL([remove(name), install(name)], migrations.RunSQL.noop) for name in ("plan_guard", "audit")
    ]

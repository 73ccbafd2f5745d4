"""Which plan's grids are the homes of its features, answered in the database."""

from django.db import migrations

from gis.sql import install, remove


class Migration(migrations.Migration):
    dependencies = [("features", "0003_leaves_below")]
    operations = [migrations.RunSQL([install("area_homing")], [remove("area_homing")])]

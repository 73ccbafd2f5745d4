"""The database keeps the grid of every feature."""

from django.db import migrations

from gis.sql import install, remove


class Migration(migrations.Migration):
    dependencies = [("features", "0001_features"), ("grids", "0003_draft_knows_its_base"), ("orgs", "0001_initial")]
    operations = [
        migrations.RunSQL([install("feature_home")], [remove("feature_home")]),
        migrations.RunSQL("SELECT refresh_service_areas()", migrations.RunSQL.noop),
    ]

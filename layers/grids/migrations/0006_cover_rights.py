"""A plan keeps its id; and whoever is not the owner has grid_cover written by the triggers of `grid` and `plan` only."""

from django.db import migrations

from gis.sql import install, remove


class Migration(migrations.Migration):
    dependencies = [("grids", "0005_drafts_are_private")]
    operations = [
        migrations.RunSQL([remove("plan_guard"), install("plan_guard")], migrations.RunSQL.noop),
        migrations.RunSQL([install("cover_rights")], [remove("cover_rights")]),
    ]

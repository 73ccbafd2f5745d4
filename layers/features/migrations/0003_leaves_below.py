"""Leaves below a grid: what the features in a grid of any level are found by."""

from django.db import migrations

from gis.sql import install, remove


class Migration(migrations.Migration):
    dependencies = [("features", "0002_homes")]
    operations = [migrations.RunSQL([install("leaves_below")], [remove("leaves_below")])]

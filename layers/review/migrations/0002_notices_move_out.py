"""Notices belong to layers.notices from here on; the table stays."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("review", "0001_versions_and_review"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel("Notice")]),
    ]

"""The database keeps the grid of each building."""

import django.db.models.deletion
from django.db import migrations, models

from gis.sql import install, remove


class Migration(migrations.Migration):
    dependencies = [
        ("features", "0004_faster_homes"),
        ("streets", "0001_streets_and_buildings"),
    ]

    operations = [
        migrations.AddField(
            model_name="building",
            name="area",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="features.servicearea",
                verbose_name="服务区域",
            ),
        ),
        migrations.AddField(
            model_name="building",
            name="grid_code",
            field=models.CharField(
                db_collation="C", editable=False, max_length=32, null=True, verbose_name="所在网格编码"
            ),
        ),
        migrations.RunSQL([install("building_home")], [remove("building_home")]),
    ]

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("grids", "0002_guard")]

    operations = [
        migrations.AddField(
            model_name="grid",
            name="locked",
            field=models.BooleanField(db_default=False, default=False, verbose_name="已锁定"),
        ),
        migrations.AddField(
            model_name="plan",
            name="base",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="drafts",
                to="grids.plan",
                verbose_name="复制自",
            ),
        ),
    ]

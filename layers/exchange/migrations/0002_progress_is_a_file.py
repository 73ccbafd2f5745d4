"""Progress is told in a file beside the uploads: rows that an open transaction writes cannot be seen from outside."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("exchange", "0001_points")]

    operations = [migrations.RemoveField(model_name="pointimport", name="progress")]

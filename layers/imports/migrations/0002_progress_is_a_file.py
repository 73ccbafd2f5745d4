"""Progress is told in a file beside the uploads: rows that an open transaction writes cannot be seen from outside."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("imports", "0001_initial")]

    operations = [migrations.RemoveField(model_name="import", name="progress")]

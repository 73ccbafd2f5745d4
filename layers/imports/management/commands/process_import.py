"""manage.py process_import: the child process of an import over the web."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from layers.audit.acting import acting_as
from layers.imports.jobs import process
from layers.imports.models import Import


class Command(BaseCommand):
    help = "处理一个网页导入任务（由网站启动）/ Do the task of an import over the web; started by the site."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("id", type=int, help="导入编号 / id of the import")

    def handle(self, *, id: int, **options: Any) -> None:
        job = Import.objects.select_related("institution", "user__institution").get(pk=id)
        with acting_as(job.user):
            process(job)

"""manage.py process_import: the child process of an import over the web."""

from __future__ import annotations

from layers.imports.jobs import TASKS
from layers.imports.models import Import
from layers.imports.processes import WorkCommand


class Command(WorkCommand):
    help = "处理一个网页导入任务（由网站启动）/ Do the task of an import over the web; started by the site."
    model, tasks = Import, TASKS

"""manage.py process_points: the child process of an import of points over the web."""

from __future__ import annotations

from layers.exchange.jobs import TASKS
from layers.exchange.models import PointImport
from layers.imports.processes import WorkCommand


class Command(WorkCommand):
    help = (
        "处理一个网页点位导入任务（由网站启动）/ Do the task of an import of points over the web; started by the site."
    )
    model, tasks = PointImport, TASKS

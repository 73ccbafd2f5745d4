from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PeopleConfig(AppConfig):
    name = "layers.people"
    label = "people"
    verbose_name = _("人员与责任")

    def ready(self) -> None:
        """Make the measures of people, and what notices say of them, known."""
        from layers.notices.sentences import add_sentences
        from layers.people import measures, ownership, vacancies  # noqa: F401
        from layers.people.telling import SENTENCES

        add_sentences(SENTENCES)

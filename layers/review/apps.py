from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReviewConfig(AppConfig):
    name = "layers.review"
    verbose_name = _("审定与发布")

    def ready(self) -> None:
        """Make the sentences of its notices known."""
        from layers.notices.sentences import add_sentences
        from layers.review.notices import SENTENCES

        add_sentences(SENTENCES)

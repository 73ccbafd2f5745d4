"""Static files: hashed names and compressed copies, also for the ES modules that the import map names."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):
    """Imports between modules go by the bare names of the import map, so no file has to be rewritten but CSS."""

    manifest_strict = True

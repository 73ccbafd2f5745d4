"""Which Chromium the tests and benchmarks drive: Debian's build without the desktop browser around it."""

EXECUTABLE = "/usr/bin/chromium-headless-shell"

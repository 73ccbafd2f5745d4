"""Peers that are measured beside ours, each pinned in an environment of its own; the project itself needs none of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LOCAL = Path(__file__).parents[2] / ".local"
PIP = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r")


def peer(name: str) -> Path | None:
    """The interpreter of a peer, installed at the first need from `<name>.txt` beside this file; None, and a sentence, where it cannot be."""
    folder, wanted = LOCAL / name, Path(__file__).with_name(f"{name}.txt")
    python, made = folder / "bin" / "python", folder / "requirements.txt"
    if made.exists() and made.read_text() == wanted.read_text():
        return python
    for step in ([sys.executable, "-m", "venv", "--clear", str(folder)], [str(python), *PIP, str(wanted)]):
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["?"])[-1]
            print(f"No comparison: {name} could not be installed in {folder} ({reason}).", file=sys.stderr)
            return None
    made.write_text(wanted.read_text())
    return python

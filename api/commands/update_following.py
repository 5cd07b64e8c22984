"""`aisle update --follow`: what it says, and when it ends."""

from __future__ import annotations

import logging
from pathlib import Path

from api.commands.console import out, print_json
from api.following.running import Asked
from api.following.running import follow as follow_topic
from api.following.telling import telling
from api.replicas import sharing
from api.settings import load_settings, require_data


def follow(asked: Asked, data: Path, *, json: bool) -> None:
    """Follows a topic until told to stop, and says what became of it."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it waits for is told anyway
    require_data(data)
    settings = load_settings(data)
    with telling(json=json) as tell, sharing(settings):
        totals = follow_topic(settings, asked, tell)
    if json:
        print_json({"event": "stopped", **totals})
    else:
        said = ", ".join(f"{count:,} {name}" for name, count in totals.items() if count)
        out.print(f"stopped: {said or 'no changes came'}", markup=False)

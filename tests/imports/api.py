"""A client of the API of uploaded files, that signs in with a token."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from layers.orgs.models import ApiToken, User


class JobsApi:
    """Asks one kind of jobs below /api/, and fails on any other status than the one expected."""

    base: str

    def __init__(self, user: User | None) -> None:
        self.client = Client(headers={"authorization": f"Bearer {ApiToken.issue(user, 'test')}"} if user else {})

    def send(self, form: dict[str, Any], expect: int) -> dict[str, Any]:
        response = self.client.post(f"/api/{self.base}/", form)
        assert response.status_code == expect, response.content
        return dict(response.json())

    def get(self, path: str, expect: int = 200) -> Any:
        response = self.client.get(f"/api/{self.base}/{path}")
        content = b"".join(response) if response.streaming else response.content
        assert response.status_code == expect, content
        return json.loads(content) if "json" in response["Content-Type"] else content.decode("utf-8-sig")

    def post(self, path: str, content: Any = None, expect: int = 200) -> dict[str, Any]:
        response = self.client.post(f"/api/{self.base}/{path}", content or {}, content_type="application/json")
        assert response.status_code == expect, response.content
        return dict(response.json())

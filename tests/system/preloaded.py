"""The bench's site. The process that forks its workers has already called the processor, and keeps a connection."""

from __future__ import annotations

import re

from django.test import Client

from bench.site.wsgi import application

__all__ = ["application"]

browser = Client(headers={"X-Group": "group-seniors"}, SERVER_NAME="127.0.0.1")
[made_for] = re.findall(r'name="made_for" value="(\w+)"', browser.get("/ours/").content.decode())
browser.post("/ours/token/", {"made_for": made_for}, content_type="application/json")

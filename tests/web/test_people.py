"""People and coverage as pages: who sees what, who may say who is away, stale and bad input."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any
from datetime import timedelta

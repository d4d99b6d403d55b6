"""How does a written policy or roster become data that decides? Reading, checking, and saying it in words."""

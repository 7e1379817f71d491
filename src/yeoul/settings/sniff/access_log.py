"""Access logs of web servers: the common and the combined format, and what servers append to them."""

from __future__ import annotations

__all__ = ["ACCESS_LOG"]

_HOST = r"(?:(?P<vhost>[^\s:]+):(?P<port>\d+) )?"
_WHO = r"(?P<client>\S+) (?P<ident>\S+) (?P<user>\S+) "
_WHEN = r"\[(?P<time>[^\]]+)\] "
_REQUEST = r'"(?:(?P<method>[A-Z]+) )?(?P<path>[^"? ]*)(?:\?(?P<query>[^" ]*))?(?: (?P<protocol>[^"]*))?" '
_ANSWER = r"(?P<status>\d{3}) (?P<bytes>\d+|-)"
_BROWSER = r'(?: "(?P<referer>[^"]*)" "(?P<agent>(?:[^"\\]|\\.)*)")?'
_REST = r"(?: .*)?"

ACCESS_LOG = _HOST + _WHO + _WHEN + _REQUEST + _ANSWER + _BROWSER + _REST
"""Common log format (NCSA), combined (Apache, nginx), with a virtual host before and anything after it.

>>> import re
>>> line = '10.0.0.1 - kim [02/Mar/2026:20:10:05 +0900] "GET /a?b=1 HTTP/1.1" 200 512 "-" "curl/8"'
>>> hit = re.fullmatch(ACCESS_LOG, line)
>>> hit["user"], hit["path"], hit["bytes"], hit["agent"]
('kim', '/a', '512', 'curl/8')
"""

"""The people who watch: devices, apps, networks and addresses, ready-made as pieces of a line."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["VIEWERS", "viewer_pieces"]

VIEWERS = 4096
"""Viewers; a power of two, so that an event's bits choose one evenly."""

_REGIONS = ["서울", "경기", "인천", "부산", "대구", "대전", "광주", "울산", "세종", "강원", "제주"]
_NETS = ("wifi", "wifi", "wifi", "5g", "lte", "wired")
# device, model, system, player, user agent
_DEVICES = (
    ("tv", "QT-55U8", "tizen 7.0", "avplay",
     ("Mozilla/5.0 (SMART-TV; Linux; Tizen 7.0) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Version/7.0 TV Safari/537.36")),
    ("tv", "OL-65C3", "webos 23", "mediaplayer",
     ("Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/94.0.4606.128 Safari/537.36 WebAppManager")),
    ("mobile", "SM-S921N", "android 15", "exoplayer",
     ("Mozilla/5.0 (Linux; Android 15; SM-S921N) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/131.0.6778.39 Mobile Safari/537.36")),
    ("mobile", "iPhone16,2", "ios 18.1", "avplayer",
     ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/18.1 Mobile/15E148")),
    ("tablet", "SM-X710", "android 14", "exoplayer",
     ("Mozilla/5.0 (Linux; Android 14; SM-X710) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/129.0.6668.100 Safari/537.36")),
    ("pc", "desktop", "windows 11", "shaka",
     ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
     "Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0")),
    ("pc", "desktop", "macos 15.1", "hls.js",
     ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
     "Version/18.1 Safari/605.1.15")),
    ("stb", "UHD-4", "android tv 12", "exoplayer",
     "Dalvik/2.1.0 (Linux; U; Android 12; UHD-4 Build/SKQ1.220119.001)"),
)  # fmt: skip


def viewer_pieces(seed: int) -> NDArray[np.bytes_]:
    """The part of a line that says who watches on what, for each viewer; length `VIEWERS`."""
    rng = np.random.default_rng([seed, 7])
    device = rng.choice(len(_DEVICES), VIEWERS, p=(0.22, 0.16, 0.2, 0.14, 0.06, 0.08, 0.04, 0.1)).tolist()
    numbers = rng.integers(0, 1 << 30, VIEWERS).tolist()
    chosen = enumerate(zip(device, numbers, strict=True))
    return np.array([_piece(number, _DEVICES[which], bits).encode() for number, (which, bits) in chosen])


def _piece(number: int, device: tuple[str, str, str, str, str], bits: int) -> str:
    kind, model, system, player, agent = device
    return (
        f'"uid": "u{number * 2654435761 % 10**9:09d}", '
        f'"ip": "10.{bits % 256}.{bits // 256 % 256}.{bits // 65536 % 254 + 1}", '
        f'"device": "{kind}", "model": "{model}", "os": "{system}", "player": "{player}", '
        f'"app": "{5 + bits % 2}.{bits // 7 % 20}.{bits // 11 % 9}", "lang": "{"ko" if bits % 8 else "en"}", '
        f'"net": "{_NETS[bits // 13 % len(_NETS)]}", "region": "{_REGIONS[bits // 17 % len(_REGIONS)]}", '
        f'"ua": "{agent}"'
    )

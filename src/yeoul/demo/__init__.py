"""A simulated VOD service: player logs with natural rhythm, dirt on demand, and planted incidents with labels.

A line of its logs (here folded; in the file it is one line of 0.7 to 1 kB):

    {"_index": "player-2026.03.02", "_type": "log", "_source": {"logdate": "2026-03-02 20:10:05.123",
     "host": "vod-log-01", …, "@fields": {"params": {"cpk": "CP0017", "pfkey": "…", "base_mck": "M0001234",
     "year": 2019, "hit": 1, "eid": "9f0c…", …}}}}

`logdate` is Asia/Seoul local time, `cpk` the customer, `base_mck` the title, `hit` an integer (now and then written as
a string), `eid` unique to an event and repeated on a duplicate. Everything follows from the seed and the time: the
same range asked twice, in whatever pieces, gives the same bytes. `python -m yeoul.demo --folder DIR` runs it.
"""

from yeoul.demo.catalogue import ORIGINS, Catalogue
from yeoul.demo.config import ServiceConfig
from yeoul.demo.incident import KINDS, Incident, Kind
from yeoul.demo.live import LiveService
from yeoul.demo.plants import plant_answer, request_plant
from yeoul.demo.sample import Sample, write_sample
from yeoul.demo.schedule import schedule
from yeoul.demo.service import Service
from yeoul.demo.writer import LogWriter, Rotation

__all__ = [
    "KINDS",
    "ORIGINS",
    "Catalogue",
    "Incident",
    "Kind",
    "LiveService",
    "LogWriter",
    "Rotation",
    "Sample",
    "Service",
    "ServiceConfig",
    "plant_answer",
    "request_plant",
    "schedule",
    "write_sample",
]

"""What is abnormal: one detector a file, each turning a tick's values of all keys into tail probabilities.

A detector (`Detector`) judges one closed window for all keys at once and then learns from it; it sees slots, times and
numbers, never a stream. A `Watch` owns the table of keys, joins the detectors' probabilities and applies the alarm
policy. `DETECTORS` maps names to built-in classes; outsiders add theirs by the entry point group `yeoul.detectors`.
"""

from yeoul.detect.builtin import DETECTORS
from yeoul.detect.contract import Detector, Judgement, Tick
from yeoul.detect.watch import Alarm, Watch, WatchConfig

__all__ = ["DETECTORS", "Alarm", "Detector", "Judgement", "Tick", "Watch", "WatchConfig"]

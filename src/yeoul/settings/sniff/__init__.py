"""A workspace proposed from a sample of logs: `read_sample`, `propose`, then `fit` it to the sample.

Nothing is written here; a proposal is a plain value and its text is made of it alone.
"""

from yeoul.settings.sniff.proposal import Chosen, FileFacts, Proposal, Wanted, propose
from yeoul.settings.sniff.render import render
from yeoul.settings.sniff.sample import SampleFile, read_sample
from yeoul.settings.sniff.trial import Trial, fit, try_out

__all__ = [
    "Chosen",
    "FileFacts",
    "Proposal",
    "SampleFile",
    "Trial",
    "Wanted",
    "fit",
    "propose",
    "read_sample",
    "render",
    "try_out",
]

"""The Spark engine: a stream's declaration as a job of Spark Structured Streaming. Nothing else imports PySpark.

`compile_stream` makes the plan and needs no Spark; `session` starts one; `job` runs topics until they are stopped,
`files` reads files to their ends.
"""

from yeoul.streams.spark.options import Batch, JobOptions, ShardOptions
from yeoul.streams.spark.plan import FilesRead, SparkPlan, TopicRead, compile_stream

__all__ = ["Batch", "FilesRead", "JobOptions", "ShardOptions", "SparkPlan", "TopicRead", "compile_stream"]

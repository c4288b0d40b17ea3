"""An event file of TensorBoard.

The writers of torch and tensorboard have a thread, which prints a traceback where the disk is full.
"""

import os
import socket
import time
from pathlib import Path


class EventFile:
    """A file of scalars in a folder that may hold others; TensorBoard shows all of them as one run.

    Of older files it ignores the events from `purge_step` on.
    """

    def __init__(self, folder: Path, purge_step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.record_writer import RecordWriter

        # TensorBoard reads files in the order of their names; seconds are too coarse for it.
        name = f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}.{os.getpid()}"
        self._file = (folder / name).open("wb")
        self._records = RecordWriter(self._file)
        start = SessionLog(status=SessionLog.START)
        for event in (
            Event(wall_time=time.time(), file_version="brain.Event:2"),
            Event(wall_time=time.time(), step=purge_step, session_log=start),
        ):
            self._records.write(event.SerializeToString())

    def add(self, name: str, value: float, step: int) -> None:
        """Add the value of a scalar at a step."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        summary = Summary(value=[Summary.Value(tag=name, simple_value=value)])
        self._records.write(Event(wall_time=time.time(), step=step, summary=summary).SerializeToString())

    def flush(self) -> None:
        """Hand what was added to the system."""
        self._file.flush()

    def close(self) -> None:
        """Complete the file."""
        self._file.close()

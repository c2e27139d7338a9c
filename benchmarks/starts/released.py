"""Import the released SDK in a fresh interpreter and make two calls; prints the seconds of each step."""

import os
import sys
import time

url, cpu = sys.argv[1:]
if cpu:
    os.sched_setaffinity(0, {int(cpu)})
marks = [time.perf_counter()]
import suprsend  # noqa: E402

marks.append(time.perf_counter())
client = suprsend.Suprsend("start-workspace-key-0000001", "secret", base_url=url)
for number in range(2):
    client.track_event(suprsend.Event("user", "started", {"number": number}))
    marks.append(time.perf_counter())
print(marks[1] - marks[0], marks[2] - marks[1], marks[3] - marks[2])

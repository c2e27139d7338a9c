"""Import the released SDK in a fresh interpreter and make two calls; prints the seconds of each step.

Of the import it is seconds of CPU.
"""

import os
import sys
import time

url, cpu = sys.argv[1:]
if cpu:
    os.sched_setaffinity(0, {int(cpu)})
before = time.process_time()
import suprsend  # noqa: E402

imported = time.process_time() - before
marks = [time.perf_counter()]
client = suprsend.Suprsend("start-workspace-key-0000001", "secret", base_url=url)
marks.append(time.perf_counter())
for number in range(2):
    client.track_event(suprsend.Event("user", "started", {"number": number}))
    marks.append(time.perf_counter())
print(imported, *[marks[step + 1] - marks[step] for step in range(3)])

#!/usr/bin/env python3
"""Measures what the gateway adds to the way of a token while many answers stream through it.

bench/live_tokens.cpp is both ends: the upstream that sends tokens, each with the time it was sent, and the visitors
that read them: with nothing between, with nginx as a plain proxy that does not buffer, and with the gateway. What
each adds is the difference to nothing. On a machine without cores to spare, the ends, which are one process, and what
is between them wait for each other; so the figure to look at is the gateway's beside nginx's.
"""
import argparse
import json
import subprocess
import sys

from gateway import BINARY, ROOT, Gateway, cpu_seconds

sys.path.insert(0, str(ROOT / "bench/peers"))
from compare import Processes, start_nginx  # noqa: E402: it lies in the folder below


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=30, help="tokens a second of each stream (30)")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--binary", default=BINARY)
    parser.add_argument("--ends", default=ROOT / "build/bench/bench/live_tokens")
    options = parser.parse_args()
    with Processes() as processes:
        ends = processes.start("ends", options.ends, options.streams, options.rate, options.seconds,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        upstream = ends.stdout.readline().strip()
        nginx = start_nginx(processes, "nginx", "nginx.conf", UPSTREAM=upstream, BUFFERING="off")
        with Gateway(options.binary, processes.folder, options.workers, UPSTREAM_RUNS_PER_SESSION="1000",
                     N8N_WEBHOOK_URL=f"http://127.0.0.1:{upstream}/webhook/chat") as gateway:
            cookies = [gateway.new_session() for _ in range(options.streams)]
            pids = {"proxy": nginx.processes[0].pid, "gateway": gateway.pid}
            before = {name: cpu_seconds(pid) for name, pid in pids.items()}
            ends.stdin.write("\n".join([f"{nginx.port} {gateway.port}", *cookies]) + "\n")
            ends.stdin.close()
            answer = ends.stdout.readline()
            cpu = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
    if not answer:
        raise SystemExit("the streams did not flow")
    result = json.loads(answer)
    for name, run in result.items():
        print(f"{name:8} {run['tokens']:8} tokens, {run['a_second']:6.0f}/s, p50 {run['p50_us']:7.1f} us, "
              f"p99 {run['p99_us']:7.1f} us, p99.9 {run['p999_us']:7.1f} us, {run['lost']} streams lost")
    for name, seconds in cpu.items():
        added = {part: result[name][part] - result["direct"][part] for part in ("p50_us", "p99_us")}
        print(f"{name} adds {added['p50_us']:.1f} us at p50 and {added['p99_us']:.1f} us at p99; "
              f"{seconds * 1e6 / result[name]['tokens']:.1f} us of CPU a token, opening the streams included")


if __name__ == "__main__":
    main()

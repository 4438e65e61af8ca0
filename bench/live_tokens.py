#!/usr/bin/env python3
"""Measures what the gateway adds to the way of a token while many answers stream through it.

bench/live_tokens.cpp is both ends: the upstream that sends tokens, each with the time it was sent, and the visitors
that read them; first without the gateway between, then with it. What the gateway adds is the difference.
"""
import argparse
import json
import subprocess
import tempfile

from gateway import BINARY, ROOT, Gateway, cpu_seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=30, help="tokens a second of each stream (30)")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--binary", default=BINARY)
    parser.add_argument("--ends", default=ROOT / "build/bench/bench/live_tokens")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tokens-") as folder:
        ends = subprocess.Popen([options.ends, str(options.streams), str(options.rate), str(options.seconds)],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            upstream = ends.stdout.readline().strip()
            with Gateway(options.binary, folder, options.workers, UPSTREAM_RUNS_PER_SESSION="1000",
                         N8N_WEBHOOK_URL=f"http://127.0.0.1:{upstream}/webhook/chat") as gateway:
                cookies = [gateway.new_session() for _ in range(options.streams)]
                before = cpu_seconds(gateway.pid)
                ends.stdin.write("\n".join([str(gateway.port), *cookies]) + "\n")
                ends.stdin.close()
                answer = ends.stdout.readline()
                cpu = cpu_seconds(gateway.pid) - before
        finally:
            ends.kill()
            ends.wait()
    if not answer:
        raise SystemExit("the streams did not flow")
    result = json.loads(answer)
    for name, run in result.items():
        print(f"{name:8} {run['tokens']:8} tokens, {run['a_second']:6.0f}/s, p50 {run['p50_us']:7.1f} us, "
              f"p99 {run['p99_us']:7.1f} us, p99.9 {run['p999_us']:7.1f} us, {run['lost']} streams lost")
    added = {part: result["gateway"][part] - result["direct"][part] for part in ("p50_us", "p99_us")}
    print(f"the gateway adds {added['p50_us']:.1f} us at p50 and {added['p99_us']:.1f} us at p99; "
          f"{cpu * 1e6 / result['gateway']['tokens']:.1f} us of CPU a token, opening the streams included")


if __name__ == "__main__":
    main()

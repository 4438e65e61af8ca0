#!/usr/bin/env python3
"""Opens many idle event streams to the gateway and prints how much resident memory each one takes.

Streams come from 40 addresses of 127.0.0.0/8 over plain TCP, two thousand a second. A stream counts when its first
bytes have come. Memory is read from /proc before the first stream and when all stand still; after they have left it
is read once more.
"""
import argparse
import http.client
import json
import os
import pathlib
import re
import resource
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
ADDRESSES = 40
AT_ONCE = 100
PAUSE = 0.05  # seconds between groups: a stream gives its buffers back 30 ms after it began
WIDE = ("STREAM_MAX", "STREAM_MAX_PER_SESSION", "STREAM_MAX_PER_ADDRESS", "SERVER_MAX_CONNECTIONS",
        "SERVER_MAX_CONNECTIONS_PER_ADDRESS")
UNLIMITED = ("RATE_LIMIT_PER_MINUTE", "RATE_LIMIT_PER_HOUR", "RATE_LIMIT_SESSION_PER_MINUTE",
             "RATE_LIMIT_DOMAIN_PER_MINUTE")


def start(binary, folder, workers):
    env = {"PATH": os.environ["PATH"], "SERVER_HOST": "127.0.0.1", "SERVER_PORT": "0", "OPS_LISTEN": "off",
           "WORKERS": str(workers), "LOG_ACCESS": "false", "DATA_DIR": folder,
           **dict.fromkeys(WIDE, "100000"), **dict.fromkeys(UNLIMITED, "1000000000")}
    gateway = subprocess.Popen([binary, "serve"], env=env, cwd=folder, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)
    for line in gateway.stdout:
        if found := re.search(r"listening on http://127\.0\.0\.1:(\d+)", line):
            return gateway, int(found[1])
    sys.exit("the gateway did not start")


def resident_kib(gateway):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{gateway.pid}/status").read_text())[1])


def new_session(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    origin = f"http://127.0.0.1:{port}"
    connection.request("POST", "/api/v1/session/create", json.dumps({"origin_domain": "127.0.0.1"}),
                       {"Origin": origin, "Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    if answer.status != 200:
        sys.exit(f"no session: status {answer.status}")
    return answer.headers["Set-Cookie"].split(";")[0]


def open_streams(port, count):
    request = (f"GET /api/v1/chat/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
               f"Cookie: {new_session(port)}\r\nAccept: text/event-stream\r\n\r\n").encode()
    streams = []
    while len(streams) < count:
        group = selectors.DefaultSelector()
        for i in range(len(streams), min(count, len(streams) + AT_ONCE)):
            stream = socket.create_connection(("127.0.0.1", port), 5, (f"127.0.1.{i % ADDRESSES + 1}", 0))
            stream.sendall(request)
            group.register(stream, selectors.EVENT_READ)
            streams.append(stream)
        waiting = len(group.get_map())
        while waiting:
            for key, _ in group.select(5) or sys.exit("a stream did not begin in time"):
                if not key.fileobj.recv(4096).startswith(b"HTTP/1.1 200"):
                    sys.exit("a stream was refused")
                group.unregister(key.fileobj)
                waiting -= 1
        group.close()
        time.sleep(PAUSE)
    return streams


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--streams", type=int, default=9000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--binary", default=ROOT / "build/release/portcullis")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="streams-") as folder:
        gateway, port = start(options.binary, folder, options.workers)
        try:
            open_streams(port, 1)[0].close()
            time.sleep(0.5)
            before = resident_kib(gateway)
            streams = open_streams(port, options.streams)
            time.sleep(3)  # streams give their buffers back a moment after they began
            held = resident_kib(gateway)
            for stream in streams:
                stream.close()
            time.sleep(2)
            print(f"{options.streams} streams: {before / 1024:.1f} MiB before, {held / 1024:.1f} MiB held, "
                  f"{resident_kib(gateway) / 1024:.1f} MiB after; {(held - before) / options.streams:.2f} KiB a stream")
        finally:
            gateway.send_signal(signal.SIGTERM)
            gateway.wait(40)


if __name__ == "__main__":
    main()

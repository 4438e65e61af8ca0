#!/usr/bin/env python3
"""Opens many idle event streams to the gateway and prints how much resident memory each one takes.

Streams come from 40 addresses of 127.0.0.0/8 over plain TCP, two thousand a second. A stream counts when its first
bytes have come. Memory is read from /proc before the first stream and when all stand still; after they have left it
is read once more.
"""
import argparse
import resource
import selectors
import socket
import sys
import tempfile
import time

from gateway import BINARY, Gateway, resident_kib

ADDRESSES = 40
AT_ONCE = 100
PAUSE = 0.05  # seconds between groups: a stream gives its buffers back 30 ms after it began


def open_streams(gateway, count):
    port = gateway.port
    request = (f"GET /api/v1/chat/stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://127.0.0.1:{port}\r\n"
               f"Cookie: {gateway.new_session()}\r\nAccept: text/event-stream\r\n\r\n").encode()
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
    parser.add_argument("--binary", default=BINARY)
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="streams-") as folder, \
            Gateway(options.binary, folder, options.workers) as gateway:
        open_streams(gateway, 1)[0].close()
        time.sleep(0.5)
        before = resident_kib(gateway.pid)
        streams = open_streams(gateway, options.streams)
        time.sleep(3)  # streams give their buffers back a moment after they began
        held = resident_kib(gateway.pid)
        for stream in streams:
            stream.close()
        time.sleep(2)
        print(f"{options.streams} streams: {before / 1024:.1f} MiB before, {held / 1024:.1f} MiB held, "
              f"{resident_kib(gateway.pid) / 1024:.1f} MiB after; {(held - before) / options.streams:.2f} KiB a stream")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Writes the seeds of every fuzz target to tests/fuzz/corpus/TARGET/seed-NN. The same bytes at every run;
files of other names (crashes that were kept) stay."""
import base64
import gzip
import hashlib
import hmac
import itertools
import json
import pathlib
import struct
import urllib.parse
import zlib

CORPUS = pathlib.Path(__file__).parent / "corpus"


def write(target, seeds):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("seed-*"):
        old.unlink()
    seeds = list(dict.fromkeys(s if isinstance(s, bytes) else s.encode() for s in seeds))
    assert len(seeds) >= 50, f"{target}: {len(seeds)} seeds"
    for number, seed in enumerate(seeds):
        (folder / f"seed-{number:02}").write_bytes(seed)


def websocket_frames():
    def frame(opcode, payload=b"", fin=True, rsv=0, masked=True):
        head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
        size, mask = len(payload), 0x80 if masked else 0
        head += bytes([mask | size]) if size < 126 else bytes([mask | 126]) + struct.pack(">H", size)
        if not masked:
            return head + payload
        key = b"\x11\x22\x33\x44"
        return head + key + bytes(b ^ key[i % 4] for i, b in enumerate(payload))

    text = "Hello \u00e9 \U0001f418".encode()
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    packed = (packer.compress(text * 20) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
    wholes = [frame(1, text), frame(2, bytes(range(200))), frame(9, b"ping"), frame(10), frame(8, b"\x03\xe8bye"),
              frame(8), frame(8, b"\x03"), frame(8, b"\x03\xed"), frame(1, packed, rsv=4), frame(1, b"\xff"), frame(3),
              frame(1, text, rsv=2), frame(1, text, masked=False), frame(9, b"x" * 126),
              frame(1, text[:7], fin=False) + frame(9, b"mid") + frame(0, text[7:]),
              frame(1, packed[:9], fin=False, rsv=4) + frame(0, packed[9:])]
    for prefix in (b"\x00", b"\x01", b"\x07"):
        yield from (prefix + whole for whole in wholes)
    yield from (b"\x03" + a + b for a, b in itertools.pairwise(wholes))
    yield b"\x00permessage-deflate; client_max_window_bits=9, permessage-deflate"


def packed_bodies():
    """First byte: which coding; the rest a body packed by it, whole and damaged. Brotli is written by hand: no packer of it is in Python."""
    def gzipped(text, level=6):
        return gzip.compress(text, level, mtime=0)

    def zstd(blocks, window=None, checksum=b"", size=None):
        """A frame of raw (bytes), repeated (byte, count) and skipped blocks."""
        head = b"\x28\xb5\x2f\xfd" + (bytes([0x20, size]) if size is not None else bytes([0x04 if checksum else 0, window or 0x38]))
        for i, block in enumerate(blocks):
            last, (kind, count, data) = int(i + 1 == len(blocks)), (0, len(block), block) if isinstance(block, bytes) else (1, block[1], block[0])
            head += struct.pack("<I", last | kind << 1 | count << 3)[:3] + data
        return head + checksum

    def brotli(*pieces):
        """A window of 64 KiB, metablocks that are stored, and an empty last one."""
        out, at = 0, 1  # one bit: WBITS of 16
        data = b""
        for piece in pieces:
            # ISLAST 0, MNIBBLES 4, MLEN - 1, ISUNCOMPRESSED 1, and zeros up to the next byte.
            out |= (len(piece) - 1) << at + 3 | 1 << at + 19
            at += 20
            data += out.to_bytes((at + 7) // 8, "little") + piece
            out, at = 0, 0
        return data + (out | 3 << at).to_bytes((at + 9) // 8, "little")

    texts = [b"", b"{}", b'{"message":"hi"}', json.dumps([{"id": i, "name": "caf\u00e9"} for i in range(40)]).encode(), b" " * 5000, bytes(range(256))]
    for text in texts:
        yield from (b"\0" + gzipped(text, level) for level in (0, 1, 9))
        yield b"\2" + zstd([text[:200]])
        yield b"\2" + zstd([text[:9], (b"a", 300), text[9:40]])
        if text:
            yield b"\1" + brotli(text[:300])
            yield b"\1" + brotli(text[:5], text[:60], b"x")
    whole = gzipped(texts[3])
    yield from (b"\0" + seed for seed in (whole[:-1], whole + b"x", whole + gzipped(b"more"), whole[:3] + b"\x1f" + whole[4:], whole[:40] + b"\xff" * 9 + whole[49:], gzipped(b" " * 300_000), zlib.compress(b"{}")))
    skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc"
    frame = zstd([b"{}"])
    yield from (b"\2" + seed for seed in (skippable, skippable + frame, frame + skippable + frame, frame[:-1], frame + b"x", zstd([b"{}"], window=0x70), zstd([b"{}"], window=0xff), zstd([b"{}"], size=2),
                                           zstd([b"{}"], size=3), zstd([(b" ", 100_000)] * 9), b"\x27" + frame[1:], zstd([b"{}"], checksum=b"\0\0\0\0")))
    yield from (b"\1" + seed for seed in (b"\x06", b"\x3b", b"\x11\x03", brotli(b"{}")[:-1], brotli(b"{}") + b"x", b"\x0b\x02\x80hello\x03", b"\x1b\x0f\x00\xf8%\xa2b\xc0\x02p\x0e\0"))


def request_heads():
    lines = ["GET / HTTP/1.1", "POST /api/v1/chat/message HTTP/1.1", "GET /a?b=c&d=%20 HTTP/1.0",
             "OPTIONS * HTTP/1.1", "GET http://a.example:8080/x?y HTTP/1.1", "HEAD /health HTTP/1.1",
             "CONNECT a:443 HTTP/1.1", "PROPFIND / HTTP/1.1", "GET //a HTTP/1.1", "GET / HTTP/2.0"]
    fields = ["", "Host: a.example:8080\r\n", "Host: a\r\nHost: b\r\n", "Host: a\r\nContent-Length: 5\r\n",
              "Host: a\r\nTransfer-Encoding: chunked\r\n",
              "Host: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
              "Host: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n", "Host: a\r\nTransfer-Encoding: gzip, chunked\r\n",
              "Host: a\r\nConnection: keep-alive, close\r\nAccept: */*\r\nCookie: a=b; c=d\r\n",
              "Host: [::1]:80\r\nX-Empty:\r\nX-Tab:\t a \t\r\n"]
    yield from (f"{line}\r\n{fields[i % len(fields)]}\r\n" for i, line in enumerate(lines))
    yield from (f"{lines[i % 4]}\r\n{field}\r\n" for i, field in enumerate(fields))
    yield from (f"{lines[(i * 3 + 1) % len(lines)]}\r\n{field}\r\n" for i, field in enumerate(fields))
    for bad in ["GET / HTTP/1.1\nHost: a\n\n", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\0\r\n\r\n", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /\r\n\r\n", "",
                "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\nextra",
                "GET /\u00e9 HTTP/1.1\r\nHost: a\r\n\r\n", "get / http/1.1\r\nhost: a\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
                "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n",
                "GET http:///x HTTP/1.1\r\nHost: \r\n\r\n", "GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /" + "a" * 3000 + " HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\n" + "X: y\r\n" * 99 + "\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
                "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\n\r\n",
                "GET a HTTP/1.1\r\nHost: a\r\n\r\n", "GET * HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /a://b?http://c HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://a?x HTTP/1.1\r\nHost: A\r\n\r\n",
                "GET / HTTP/1.0\r\n\r\n", "TRACE / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"]:
        yield bad


def chunked_bodies():
    bodies = ["0\r\n\r\n", "1\r\na\r\n0\r\n\r\n", "4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n", "a;x=y\r\n0123456789\r\n0\r\n\r\n",
              "A;x=\"q;\\\"\"\r\n0123456789\r\n0\r\nTrailer: a\r\nOther: b\r\n\r\n", "000\r\n\r\n", "0;last\r\n\r\nNEXT",
              "1\na\n0\n\n", "1\r\nab\r\n0\r\n\r\n", "x\r\n", "-1\r\na\r\n", "0x1\r\na\r\n0\r\n\r\n", "1 \r\na\r\n0\r\n\r\n",
              "FFFFFFFFFFFFFFFF\r\na", "10000000000000000\r\na", "2\r\n\r\n\r\n0\r\n\r\n", "1\r\na\r\n0\r\nX\r\n\r\n", "1"]
    for body, cut in itertools.product(bodies, [0, 1, 77]):
        yield bytes([cut]) + body.encode()


def answers():
    stream = "".join('{"type":"%s","content":"%s"}\n' % p for p in [("begin", ""), ("item", "Hel"), ("item", "l\u00f6"), ("end", "")])
    events = "event: message\ndata: {\"type\":\"item\",\"content\":\"Hel\"}\n\ndata: lo\r\n\r\ndata: [DONE]\n\n"
    texts = [stream, events, '{"output":"Hello"}', '[{"output":"a"},{"json":{"text":"b"}}]', "Just words.", '"a string"',
             '{"error":"no"}', '{"message":"Workflow was started"}', "<!DOCTYPE html><html></html>",
             "Traceback (most recent call last):\n  File", "TypeError: x\n    at f (a.js:1:2)\n", "data: a\n\nevent: error\ndata: b\n\n",
             '{"output":"a"}{"output":"b"}\ntext\n{"output":"c"}', '{"a":{"b":[1,2,{"c":"\\u00e9\\\\"}]}}', "\ufeff{\"output\":\"x\"}",
             ": comment\nid: 1\nretry: 5\ndata\ndata:x\n\n", '{"output":"cut', "\u20ac\U0001f600 and more text that goes on for long"]
    for number, text in enumerate(texts):
        for kind in (number % 5, (number + 2) % 5, (number * 2 + 1) % 6):
            yield bytes([kind, number * 13 % 256]) + text.encode()
    yield bytes([2, 0]) + b"bad \xff\xc3( \xe2\x82"


def responses():
    heads = ["HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: application/json\r\n\r\nhello",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: x\r\n\r\n",
             "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok",
             "HTTP/1.1 200 OK\r\n\r\nuntil the end", "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
             "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
             "HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/1.1 503 Busy\r\nRetry-After: 3\r\nContent-Length: 1\r\n\r\nx",
             "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "HTTP/1.1 abc\r\n\r\n", "SSH-2.0-x\r\n",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"]
    for head, kind in itertools.product(heads, range(4)):
        yield bytes([kind, len(head) * 7 % 256]) + head.encode()


def json_bodies():
    yield from ['{}', '[]', '0', '"x"', 'null', 'true', '-1.5e3', '{"message":"hello"}', '{"a":1,"a":2}', '{"a":1,"\\u0061":2}',
                '{"\\ud83d\\ude00":1,"\U0001f600":2}', '[1,2,[3,{"a":[]}]]', '{"message":"\\u00e9\\n\\"","context":{"page":"x"}}', '{"a":{"a":{"a":{}}}}',
                '123456789012345678901234567890', '1e400', '18446744073709551615', '-9223372036854775808', '{"a":1,}', '[1,]', '{a:1}', "{'a':1}",
                'nul', '"\\ud800"', '"\\x"', '"\t"', '01', '+1', '.5', '1.', '0x1', '{} {}', ' {} ', '{}\f', '// c\n{}', '\ufeff{}', '',
                '[' * 32 + ']' * 32, '[' * 33 + ']' * 33, '{"a":' * 32 + '1' + '}' * 32, '[' * 200,
                '{' + ','.join('"k%d":%d' % (i, i) for i in range(17)) + '}', '{' + ','.join('"k%d":0' % (i % 17) for i in range(18)) + '}',
                '{' + ','.join('"%d":0' % i for i in range(1000)) + '}', '{' + ','.join('"%d":0' % i for i in range(1001)) + '}',
                '"' + 'x' * 500 + '"', '{"' + 'k' * 300 + '":1}', '[1.7976931348623157e308,5e-324,0.1]', '{"a":"\\u0000"}', '["\\/\\b\\f\\n\\r\\t"]', '[true,false,null]']
    yield b'"\xff"'
    yield b'{"\xc3":1}'


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def session_token(secret, number, bearer, owned=False):
    label = b"portcullis session token v1"
    key = hmac.new(b"\0" * 32, secret, hashlib.sha256).digest()
    key = hmac.new(key, label + b"\1", hashlib.sha256).digest()
    def text(s):
        return struct.pack(">H", len(s)) + s.encode()
    claims = bytes([2 if owned else 1, bearer + (2 * number) % 8 if owned else bearer])
    claims += hashlib.sha256(b"%d" % number).digest() + struct.pack(">QQ", 1800000000, 1800086400)
    if owned:  # issued, device, network, fingerprint, User-Agent, platform
        claims += struct.pack(">QQQQQQB", 1800000000123, 1, 2, 3, 2**64 - 4, 5, number)
    claims += text("default") + text("https://www.example.com") + text("https://www.example.com/page?%d" % number)
    return "pcs_" + b64(claims + hmac.new(key, claims, hashlib.sha256).digest())


def credentials():
    first, second = (b"fuzzing session secret %s, no secret at all" % n for n in (b"one", b"two"))
    tokens = [session_token(first, n, n % 2) for n in range(8)] + [session_token(second, n, n % 2) for n in range(4)]
    tokens += [session_token(secret, n, n % 2, owned=True) for secret in (first, second) for n in range(4)]
    yield from tokens
    yield from ("Cookie: chat_session_id=" + t for t in tokens)
    yield from ("Authorization: Bearer " + t for t in tokens)
    yield from ("Cookie: a=b; chat_session_id=x; chat_session_id=%s; c" % t for t in tokens[:6])
    yield from (t[:-1] for t in tokens[:3])
    yield from ["", "pcs_", "pcs_AAAA", "pcs_" + "A" * 200, "Authorization: Basic eDp5", "Authorization: Bearer a\r\nAuthorization: Bearer b",
                "Cookie: chat_session_id", "Cookie: =; ;chat_session_id=;chat_session_id==", "Accept: text/*;q=0.5, */*;q=0.1, application/json;q=0",
                "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nSec-CH-UA-Platform: \"Chrome OS\"\r\nSec-CH-UA-Mobile: ?1\r\nAccept-Language: en",
                "Prefer: respond-async, wait=5", "Content-Type: a/b; charset=\"utf-8\"", "X-Query: a=%20+&b&a=1"]


def jwts():
    """A byte that says what follows (see jwt_fuzz.cpp): 0 a token, 1 a header, 2 claims, 3 a JWK Set."""
    secret = b"fuzzing secret of users, no secret at all"
    encode = lambda data: base64.urlsafe_b64encode(data.encode()).rstrip(b"=")
    def signed(header, claims):
        text = encode(header) + b"." + encode(claims)
        return text + b"." + base64.urlsafe_b64encode(hmac.new(secret, text, hashlib.sha256).digest()).rstrip(b"=")
    base = {"iss": "portcullis", "aud": "portcullis", "sub": "alice", "iat": 1800000000, "nbf": 1800000000, "exp": 1800000600, "jti": "j",
            "typ": "access", "grants": [{"role": "operator", "site": "shop"}, {"role": "viewer", "site": "*"}], "fam": "f"}
    claims = [base | change for change in [
        {}, {"typ": "refresh", "gen": 3}, {"aud": ["a", "portcullis"]}, {"aud": []}, {"exp": 1799999990}, {"exp": 1.5}, {"exp": "1"}, {"exp": -1},
        {"exp": 2**63}, {"exp": 2**64}, {"iat": 1800000031}, {"nbf": 1800000031}, {"sub": ""}, {"sub": "a\nb"}, {"sub": "x" * 257}, {"sub": "é😀"},
        {"grants": []}, {"grants": [{"role": "admin"}]}, {"grants": {}}, {"gen": 4294967296}, {"iss": None}, {"x": [[[[[[[1]]]]]]]}]]
    headers = [{"alg": "HS256"}, {"alg": "HS256", "typ": "at+jwt", "kid": "hs"}, {"alg": "HS256", "typ": "application/RT+JWT"}, {"alg": "RS256", "kid": "rs"},
               {"alg": "ES256", "kid": "es"}, {"alg": "none"}, {"alg": "HS256", "kid": "../../dev/null"}, {"alg": "HS256", "crit": ["b64"], "b64": False},
               {"alg": "RS256", "jku": "https://a.example", "x5t": "a"}, {"alg": ["HS256"]}, {"alg": "HS256", "jwk": {"kty": "oct", "k": "AA"}}, {"kid": 1}]
    access = json.dumps(headers[1])
    joe = b"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    yield from (b"\0" + signed(access, json.dumps(c)) for c in claims)
    yield from (b"\0" + signed(json.dumps(h), json.dumps(base)) for h in headers)
    # RFC 7515 appendix A.2 and A.3, whose keys the target has.
    yield (b"\0eyJhbGciOiJSUzI1NiJ9." + joe + b".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujG"
           b"bds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-e"
           b"OkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw")
    yield (b"\0eyJhbGciOiJFUzI1NiJ9." + joe + b".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
    yield from (b"\0" + t for t in [b"", b".", b"..", b"...", b"a.b.c", b"e30.e30.", b"e30.e30.AA", b"a.b.c.d.e", b"=.=.=", signed(access, "[]")[:-1]])
    yield from (b"\1" + json.dumps(h).encode() for h in headers)
    yield from [b'\1{"alg":"HS256","alg":"none"}', b"\1[]", b'\1{"alg":"HS256","typ":"\\u0061t+jwt"}']
    yield from (b"\2" + json.dumps(c).encode() for c in claims)
    yield from [b"\2{}", b'\2{"sub":"a","sub":"b"}', b"\2null", b"\2\xff"]
    ec = {"kty": "EC", "crv": "P-256", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
    rsa = {"kty": "RSA", "n": "of" + "A" * 339 + "Q", "e": "AQAB"}
    for keys in [[], [ec], [rsa], [ec | {"kid": "e", "use": "sig", "alg": "ES256"}, rsa | {"kid": "r", "key_ops": ["verify"]}], [{"kty": "oct", "k": "AA"}],
                 [ec | {"y": ec["x"]}], [rsa | {"e": "AQ"}, rsa | {"n": "AQ", "kid": "w"}], [ec | {"use": "enc"}], [1], [ec | {"kid": "e"}] * 2]:
        yield b"\3" + json.dumps({"keys": keys}).encode()


def proofs():
    """A byte that says what follows (see dpop_fuzz.cpp): 0 a proof, 1 a header in which @ is the key, 2 claims, 3 an address."""
    # RFC 9449 sections 4.1 and 7.1.
    header = (b"eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09r"
              b"X282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.")
    created = (header + b"eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ."
               b"2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg")
    presented = (header + b"eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwi"
                 b"YXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA")
    yield from (b"\0" + p for p in [created, presented, created[:-1], created[:-2] + b"xx", created + b"." + created, created + b", " + created, b"", b"..", b"e30.e30.AA",
                                    b"a" * 5000])
    good = {"typ": "dpop+jwt", "alg": "ES256"}
    headers = [good, good | {"alg": "none"}, good | {"alg": "HS256"}, good | {"alg": "ES384"}, good | {"typ": "JWT"}, good | {"typ": "application/dpop+jwt"},
               good | {"kid": "../../dev/null"}, good | {"kid": "k"}, good | {"jku": "https://a.example"}, good | {"crit": ["b64"], "b64": False}, good | {"x5c": ["AA"]}]
    for h in headers:
        yield b"\1" + json.dumps(h)[:-1].encode() + b',"jwk":@}'
    yield from [b'\1{"typ":"dpop+jwt","alg":"ES256"}', b'\1{"typ":"dpop+jwt","alg":"ES256","jwk":@,"jwk":@}', b'\1{"typ":"dpop+jwt","alg":"ES256","jwk":[@]}',
                b'\1{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"oct","k":"AA"}}', b'\1{"typ":"dpop+jwt","alg":"ES256","jwk":{"kty":"EC","crv":"P-256","x":"AA","y":"AA","d":"AA"}}',
                b"\1[]", b"\1@"]
    base = {"jti": "a", "htm": "POST", "htu": "https://server.example.com/token", "iat": 1562262616}
    claims = [base | change for change in [
        {}, {"ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"}, {"ath": 1}, {"htm": "GET"}, {"htm": ["POST"]}, {"htu": "https://server.example.com/token?a#b"},
        {"htu": "HTTPS://SERVER.example.com:443/token"}, {"htu": "https://server.example.com"}, {"htu": "token"}, {"htu": 1}, {"iat": 1562262556}, {"iat": 1562262700}, {"iat": 1.5},
        {"iat": "1"}, {"iat": -1}, {"iat": 2**64}, {"jti": ""}, {"jti": "x" * 129}, {"jti": "a\nb"}, {"nonce": "n"}]]
    yield from (b"\2" + json.dumps(c).encode() for c in claims)
    yield from [b"\2{}", b"\2[]", b'\2{"jti":"a","jti":"b"}', b"\2\xff"]
    yield from (b"\3" + u for u in [b"https://a.example/b?c#d", b"https://a.example", b"http://A.example:80/", b"https://a@b.example/", b"https:///a", b"//a", b"https://[::1]:8443/x?", b""])


def configurations():
    yaml = ["", "server: {port: 8080}", "server:\n  port: 99999\n  workers: -1", "environment: production\n", "debug: true\nlog:\n  level: debug\n",
            "sites:\n- id: shop\n  origins: [https://shop.example]\n  upstream: {kind: n8n, url: http://127.0.0.1:5678/webhook/x}\n  limits: {per_minute: 5}\n",
            "sites:\n- {id: a, origins: 'https://a.b'}\n- {id: a, origins: 'https://a.c'}", "routes:\n- path: /health\n  enabled: false\n  guards: {rate: off}",
            "routes: [{path: x}]", "sevrer: 1", "server: {port: 1, port: 2}", "a: &x [1]\nb: *x", "- a", "server: [1", "? [a]\n: b",
            "cors: {allowed_origins: ['https://*.example.com', '*']}", "jwt: {secret_key: 'a secret in the file that is long enough 12'}",
            "stream: {heartbeat: 15s, resume_grace: 0, buffer: 64KiB}", "upstream: {kind: demo, connect_timeout: 500ms, api_key: abc}",
            "guards: {bot: {mode: off}, rate: {mode: monitor, on_error: pass}}", "limits: {chat_body: 1MiB, light_factor: 10}", "server: ~",
            "server: {trusted_proxies: [10.0.0.0/8, '::1']}", "history: {max_messages: 10, max_bytes: 1KiB}", "a: {b: {c: {d: {}}}}", "\t"]
    yield from (b"\0" + y.encode() for y in yaml)
    env = ["", "SERVER_PORT=0", "SERVER_PORT=x", "ENVIRONMENT=production", "SECURITY_ENVIRONMENT=staging\nENVIRONMENT=production", "DEBUG=false",
           "ALLOWED_ORIGINS=https://a.com,https://*.b.com:8443", 'ALLOWED_ORIGINS=["https://a.com","http://localhost:3000"]', "ALLOWED_ORIGINS=[1]",
           "JWT_SECRET_KEY=q8Zr3mXv5Kp0Lw7Tn2Yb9Hd4Gs6Fj1Cq8Zr3mXv5\nSESSION_SECRET_KEY=w7Tn2Yb9Hd4Gs6Fj1Cq8Zr3mXv5Kp0Lw7Tn2Yb9H",
           "JWT_SECRET_KEY=short", "JWT_SECRET_KEY=same1234567890abcdefghijSAME12345678\nSESSION_SECRET_KEY=same1234567890abcdefghijSAME12345678",
           "N8N_WEBHOOK_URL=http://n8n:5678/webhook/chat\nN8N_API_KEY=abcdefghijklmnopqrstuvwxyz", "N8N_WEBHOOK_URL=ftp://x", "UPSTREAM_KIND=n8n",
           "RATE_LIMIT_PER_MINUTE=60\nRATE_LIMIT_PER_HOUR=1000", "RATE_LIMIT_PER_MINUTE=0", "STREAM_RESUME_GRACE=1.5s", "STREAM_RESUME_GRACE=9223372036854775807h",
           "STREAM_BUFFER=64 KiB", "STREAM_BUFFER=999999999GiB", "TRUSTED_PROXIES=10.0.0.0/8,::1,bad", "GUARDS_RATE_MODE=monitor", "GUARDS_RATE_MODE=maybe",
           "SESSION_COOKIE_NAME=a b", "OPS_LISTEN=off", "PUBLIC_URL=https://chat.example.com/", "JWT_EXPIRATION_HOURS=24", "WORKERS=256", "STATE_SIMULATE=slow\nENVIRONMENT=production"]
    yield from (b"\1" + e.encode() for e in env)


def origins():
    yield from ["https://example.com", "http://localhost:3000", "https://*.example.com", "*", "null", "https://a.com:443", "HTTP://A.COM", "https://[::1]:8443",
                "https://[2001:db8::1]", "http://127.0.0.1:8000", "https://a.com/path?q#f", "https://user@a.com", "https://a..b", "https://a_b.com", "https://a.com.",
                "https://-a.com", "https://xn--bcher-kva.de", "https://b\u00fccher.de", "https://a.com:0", "https://a.com:65536", "https://a.com:", "ftp://a.com",
                "//a.com", "a.com", "a.com:80", "[::1]:80", "[::1]", "::1", "127.0.0.1", "10.0.0.0/8", "2001:db8::/32", "::ffff:1.2.3.4", "::/0", "0.0.0.0/0",
                "1.2.3", "1.2.3.4.5", "256.1.1.1", "fe80::1%eth0", "https://1.2.3.4", "https://a.123", "https://" + "a" * 63 + ".com", "https://" + "a." * 126 + "a",
                "https://*.a.b.c:8080", "https://*", "https://a*.com", " https://a.com/ ", "https://a.com,https://b.com", "https://1::2:80", "192.0.2.1/33", "http://[1.2.3.4]",
                "about:blank", "https://?x", "1::2:80", "https://a.com\\b"]
    yield b"1.2.3.4\0x"


def form_fields():
    names = ["username", "password", "grant_type", "code", "a b", "é", "", "a%00", "%61", "a+b"]
    values = ["alice", "a+b", "a%2Bb", "%E2%82%AC", "%ff", "%", "%4", "%zz", "", "=", "1=2", "<script>", "' OR 1=1 --"]
    yield from (f"{name}={value}" for name, value in itertools.product(names[:4], values))
    yield from (f"{name}=x&{other}=y" for name, other in itertools.product(names, names[::3]))
    yield from ["", "&", "&&", "a", "a&b", "a=1&a=2", "a=1&%61=2", "&a=1", "a=1&", "grant_type=password&username=a&password=b"]
    yield "&".join(f"f{i}={i}" for i in range(64))
    yield "&".join(f"f{i}={i}" for i in range(65))


def forms():
    def form(*parts, boundary="b", end="--b--\r\n"):
        return f"multipart/form-data; boundary={boundary}\n".encode() + b"".join(
            p if isinstance(p, bytes) else p.encode() for p in parts) + end.encode()

    def part(head, value=b"x"):
        value = value if isinstance(value, bytes) else value.encode()
        return b"--b\r\n" + head.encode() + b"\r\n\r\n" + value + b"\r\n"

    def field(name, value="x"):
        return part(f'Content-Disposition: form-data; name="{name}"', value)

    def file(name, kind, content):
        return part(f'Content-Disposition: form-data; name="files"; filename="{name}"\r\nContent-Type: {kind}', content)

    yield form(end="--b--")
    yield form(field("action", "sendMessage"), field("sessionId", "0" * 36), field("chatInput", "Hi"))
    yield form(field("metadata", '{"a": 1.50}'), field("chatInput", "Gr\u00fc\u00dfe \U0001f600"))
    files = [("a.png", "image/png", b"\x89PNG\r\n\x1a\n1234"), ("a.jpg", "image/jpeg", b"\xff\xd8\xff\xe0"), ("a.gif", "image/gif", b"GIF89a.."),
             ("a.webp", "image/webp", b"RIFF\1\0\0\0WEBPVP8 "), ("a.pdf", "application/pdf", b"%PDF-1.7"), ("a.zip", "application/zip", b"PK\3\4"),
             ("a.mp3", "audio/mpeg", b"ID3\4"), ("a.wav", "audio/wav", b"RIFF\1\0\0\0WAVEfmt "), ("a.ogg", "audio/ogg", b"OggS\0"),
             ("a.mp4", "video/mp4", b"\0\0\0\x18ftypmp42"), ("a.webm", "video/webm", b"\x1aE\xdf\xa3"), ("a.html", "text/html", b"<!DOCTYPE html>"),
             ("a.svg", "image/svg+xml", b"<svg/>"), ("a.exe", "", b"MZ\0"), ("a.txt", "text/plain", b"\xef\xbb\xbfhello\r\n--\r\nb"),
             ("", "application/octet-stream", b""), (".env", "text/plain", b"a=b"), ("../a", "text/plain", b"x"), ("a %22b%22.txt", "text/plain", b"x")]
    for one in files:
        yield form(file(*one))
    yield form(*(file(*one) for one in files[:7]))
    heads = ["Content-Disposition: form-data", "Content-Disposition: attachment; name=\"a\"", "Content-Disposition: form-data; name=a",
             "Content-Disposition: form-data; name=\"\"", "Content-Disposition: form-data; name=\"a\\\"b\"", "Content-Disposition: form-data; name=\"a\"; name=\"b\"",
             "Content-Disposition: form-data; filename=\"b\"; name=\"a\"", "Content-Disposition: form-data; name=\"a\"; filename*=UTF-8''b",
             "Content-Disposition: form-data; name=\"a\";", "Content-Disposition: form-data; name=\"a\"\r\n ; filename=\"b\"",
             "content-disposition:form-data; name=\"a\"; filename=\"b\"", "Content-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64",
             "Content-Type: a/b\r\nContent-Disposition: form-data; name=\"a\"", "Content-Disposition: form-data; name=\"a\"\r\nContent-Type: a/b\r\nContent-Type: c/d",
             "Content-Disposition: form-data; name=\"a\"\r\nX-Other: y", "Content-Disposition : form-data; name=\"a\"", ": x", "x",
             "Content-Disposition: form-data; name=\"" + "n" * 65 + "\"", "Content-Disposition: form-data; name=\"" + "n" * 1100 + "\""]
    for head in heads:
        yield form(part(head))
    good = field("a")
    for value in ["x\n--b\ny", "x --b-- y", "--b", "x\r--b", "x--b"]:
        yield form(field("a", value))
    for body in [good, b"preamble\r\n" + good + b"--b--", b"\r\n" + good + b"--b--", good + b"--b--\r\nepilogue", good + b"--b--x", good + b"--b --",
                 good.replace(b"--b\r\n", b"--b \r\n") + b"--b--", good.replace(b"\r\n", b"\n") + b"--b--", field("a", "x\r\n--bc") + b"--b--",
                 b"--b\r\n\r\nx\r\n--b--", good * 9 + b"--b--", b"--b", b"", b"--b--\r\n--b--"]:
        yield form(body, end="")
    for kind in ["multipart/form-data", "multipart/form-data; boundary=\"b\"", "multipart/form-data; boundary=b; boundary=c", "multipart/mixed; boundary=b",
                 "multipart/form-data; boundary=a b", "multipart/form-data; boundary=" + "b" * 71]:
        yield kind.encode() + b"\n" + good + b"--b--"


def model_answers():
    """First byte: bit 0 Anthropic, bit 1 one JSON object; second byte: how the rest is cut."""
    def sse(*events):
        return "".join(f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n" for event in events)

    def choice(delta, reason=None):
        return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}

    usage = {"choices": [], "usage": {"prompt_tokens": 12, "completion_tokens": 5}}
    openai = [
        sse(choice({"role": "assistant", "content": ""}), choice({"content": "Hi"}), choice({}, reason), usage, "[DONE]")
        for reason in ("stop", "length", "content_filter", "tool_calls", "function_call", None)
    ] + [
        sse(choice({"content": "Gr\u00fc\u00dfe \U0001f600"}), choice({}, "stop")),
        sse(choice({"refusal": "no"}), choice({}, "stop"), "[DONE]"),
        sse(choice({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}), "[DONE]"),
        sse(choice({"content": None}), choice({"content": 7}), choice([]), {"choices": {}}, {"choices": [[]]}, {}),
        sse({"error": {"type": "server_error", "message": "x"}}), sse({"error": "x"}), sse({"error": {}}),
        ": comment\n\n" + sse("[DONE]"), sse("no json"), sse([]), sse("7"), "data: {\n", "", "\r\r\n\n",
        sse({"choices": [], "usage": {"prompt_tokens": -1, "completion_tokens": 1e300}}, choice({"content": "x"}), "[DONE]"),
    ]

    def block(kind, **delta):
        return {"type": "content_block_delta", "index": 0, "delta": {"type": kind, **delta}}

    start = {"type": "message_start", "message": {"usage": {"input_tokens": 25, "output_tokens": 1}}}
    stop = {"type": "message_stop"}
    anthropic = [
        sse(start, {"type": "content_block_start", "content_block": {"type": "text", "text": ""}}, {"type": "ping"},
            block("text_delta", text="Hi"), {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 15}}, stop)
        for reason in ("end_turn", "max_tokens", "stop_sequence", "tool_use", "refusal", "pause_turn", None)
    ] + [
        sse(start, block("thinking_delta", thinking="hm"), block("signature_delta", signature="x"), block("text_delta", text="so"), stop),
        sse(start, {"type": "content_block_start", "content_block": {"type": "tool_use"}}, block("input_json_delta", partial_json="{"), stop),
        sse({"type": "error", "error": {"type": "overloaded_error", "message": "x"}}), sse({"type": "error"}),
        sse({"type": 7}), sse({"type": "new"}, stop), sse(block("text_delta")), sse({"type": "content_block_delta", "delta": []}),
        sse({"type": "message_start", "message": []}, {"type": "message_delta"}, stop, block("text_delta", text="late")),
    ]
    whole = [
        {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1}},
        {"choices": [{"message": {"content": None, "refusal": "no"}, "finish_reason": "length"}]},
        {"choices": []}, {"choices": [{}]}, {"error": {"type": "x"}}, {}, [], "text",
        {"content": [{"type": "text", "text": "Hi"}], "stop_reason": "max_tokens", "usage": {"input_tokens": 1}},
        {"content": []}, {"content": [{"type": "thinking"}, 7, {"type": "text"}]}, {"content": "x"},
    ]
    out = [bytes([0, 7 * i % 256]) + text.encode() for i, text in enumerate(openai)]
    out += [bytes([1, 5 * i % 256]) + text.encode() for i, text in enumerate(anthropic)]
    out += [bytes([2 | i % 2, 3 * i % 256]) + json.dumps(value).encode() for i, value in enumerate(whole)]
    out += [bytes([3 - i % 2 * 2 % 4, 11]) + json.dumps(value).encode() for i, value in enumerate(whole)]
    return out


def api_keys():
    """First byte: which character of a real key is changed; the rest a text, which is also tried with its checksum."""
    def key(number, prefix="abcdefghij23", end=""):
        secret = base64.urlsafe_b64encode(hashlib.sha256(bytes([number])).digest()).decode().rstrip("=")
        body = f"pck_{prefix}_{secret}{end}"
        return body, base64.urlsafe_b64encode(hashlib.sha256(body.encode()).digest()[:3]).decode()

    for number in range(20):
        body, checksum = key(number)
        yield bytes([number * 3]) + (body + checksum).encode()
        yield bytes([number * 3 + 1]) + body.encode()
    body, checksum = key(99)
    for bad in ["", "p", "pck_", "pck_abcdefghij23", "pck_abcdefghij23_", "pcs_" + body[4:] + checksum, body.upper() + checksum, body + checksum + "A",
                body + checksum[::-1], body[:-1] + checksum, "pck_ABCDEFGHIJ23" + body[16:] + checksum, "pck_abcdefghij01" + body[16:], body.replace("_", "-"),
                "pck_" + "a" * 60, "pck_" + "_" * 60, "pck_" + "a" * 5000, body[:20] + "\0" + body[21:], body[:20] + "=" + body[21:], key(7, "a" * 12)[0]]:
        yield b"\5" + bad.encode()


def totp_inputs():
    """First byte: which time; the rest what was typed."""
    codes = ["287082", "081804", "050471", "005924", "279037", "353130", "755224", "359152", "969429", "000000"]
    yield from (bytes([time]) + code.encode() for time in range(5) for code in codes[:5])
    for text in codes + ["", "1", "28708", "2870820", "28708x", "287 082", "+28708", "\u0662\u0668\u0667\u0660\u0668\u0662", "MY", "MZXQ", "MZXW6", "MZXW6YQ",
                         "MZXW6YTB", "MZXW6YTBOI", "mzxw6ytboi", "MZ", "MY======", "M", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "A0", "ABCD-EFGH-IJKL-MNOP",
                         "abcd efgh ijkl mnop", "ABCDEFGHIJKLMNOP", "ABCD-EFGH-IJKL-MNO", "ABCD-EFGH-IJKL-MN0P", "-" * 40, "alice@example.com", "a&b=c?d#e/f:g"]:
        yield b"\0" + text.encode()


def webhooks():
    templates = ['{"q":"{{message}}"}', '["{{message}}","{{history}}"]', '{"a":{"b":["x {{ message }} y"]},"h":"{{history}}"}',
                 '{"q":"{{message}} {{message_id}}{{session_id}}","u":"{{page_url}}","o":"{{origin_domain}}"}',
                 '{"q":"\\"{{message}}\\"","n":1e5,"t":[true,null,{}]}', '{"q":"{{message}}","n":123456789012345678901234567890}']
    said = ["hello", '","admin":true,"x":"', "\\", '\\"', "{{message}}", '"{{history}}"', "\n\t\x01", "\u2028\U0001f600", ""]
    yield from (f"{template}\0{text}" for template in templates for text in said)
    yield from (b"[\"{{message}}\"]\0" + bad for bad in (b"\xff", b"\xc3", b"\xed\xa0\x80", b"\0\0"))
    for bad in ['{"{{message}}":1}', '{"q":{{message}}}', '{"q":"{{massage}}"}', '{"q":"{{message"}', '["x{{history}}","{{message}}"]',
                '["\\"{{history}}","{{message}}"]', '["{{{message}}}"]', '["\\u007b{message}}"]', "{{message}}", "", '"{{message}}"']:
        yield bad + "\0text"


def bot_evidence():
    agents = (CORPUS.parents[2] / "src/guards/bot/agents.txt").read_text().splitlines()
    yield from [line.split()[0].replace("*", "Some") + "/1.2" for line in agents if line and line[0] != "#"][::3]
    for text in ["Mozilla/5.0 (Linux; Android 9; CUBOT_X19) Chrome/126.0 Mobile Safari/537.36", "x (+https://a.example/bot)",
                 "test", "Hello!", "你好", "a" * 200, "asdf" * 20, "", "www.", "http://", "HTTPS://A.EXAMPLE/?q#f",
                 "(https://a.example) <http://b.example:80> www.c.example!", "https://user:pw@[::1]:8080/x http://%zz", "http://über.example/ä",
                 "WIN FREE MONEY AND A PRIZE AT WWW.A.EXAMPLE", "click here, act now: limited time https://a.example", "ПОКУПАЙТЕ www.a.example",
                 "!!! ?!?! ... ;;; www.a.example", "1800000000-AbCdEfGhIjKlMnOp.77.sig", "1-.0.", "..", "99999999999999999999-x.1.y", "😀" * 20]:
        yield text
    yield from [b"\xff\xfe https://a.example \xc3", b"\xf0\x9f www.a.example \xe2\x82", b"http://a.example\xf0"]


def captchas():
    """Answers of siteverify, and what visitors send."""
    times = ["2022-02-28T15:14:30.096Z", "2022-02-28T16:14:30+01:00", "2022-02-30T00:00:00Z", "0000-00-00T00:00:00Z", "9999-12-31T23:59:60.9999999999-23:59", ""]
    for success in [True, False, "true", None, 1]:
        for time in times:
            yield json.dumps({"success": success, "challenge_ts": time, "hostname": "shop.example", "error-codes": [], "action": "portcullis", "cdata": "t-1"})
    for codes in [["internal-error"], ["invalid-input-secret"], ["invalid-input-response", "x"], [7], "x", None, {}]:
        yield json.dumps({"success": False, "error-codes": codes})
    yield from ["", "{}", "[]", "null", '{"success":true,"success":false}', '{"success":true', "<html>", "[" * 40]
    for kind in ["turnstile", "hcaptcha", "fallback", "Turnstile", ""]:
        yield from [f"{kind}.1800000300-AbC_d.0.x-Y_z", f"{kind}.t.", f"{kind}..", f"{kind}.t.a&b=c"]


def rule_texts():
    """What the detection rules must match and must pass."""
    for file in sorted((CORPUS.parents[2] / "rules").glob("*.txt")):
        for line in file.read_text().splitlines():
            if line[:2] in ("+ ", "- "):
                yield line[2:]


def encoded_texts():
    quote = lambda text: urllib.parse.quote(text, safe="")
    ways = [quote, lambda text: quote(quote(text)), lambda text: "".join(f"&#{ord(c)};" for c in text),
            lambda text: "".join(f"\\u{ord(c):04x}" for c in text if ord(c) < 0x10000),
            lambda text: base64.b64encode(text.encode()).decode(),
            lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c < "\x7f" else c for c in text)]
    for i, text in enumerate(itertools.islice(rule_texts(), 0, None, 6)):
        yield ways[i % len(ways)](text)
    yield from [b"%c0%ae%c0%af", b"\xc0\xae\xe0\x80\xaf", b"scr\0ipt", "ig\u200bnore", b"%u003c%", b"\\u{3c}\\101\\x", b"<<b>script>", b"&#x26;lt;"]


def schemas():
    """A schema, NUL, a body."""
    texts = ['{"type":["integer","null"],"minimum":0,"multipleOf":0.01}', '{"required":["a"],"properties":{"a":{"$ref":"#"}},"additionalProperties":false}',
             '{"$defs":{"m":{"exclusiveMaximum":1e2}},"items":{"$ref":"#/$defs/m"},"uniqueItems":true,"maxItems":3}',
             '{"oneOf":[{"const":1},{"enum":[1.0,"a",[{}]]}],"not":{"type":"string"}}', '{"patternProperties":{"^x":{"format":"email"}},"minProperties":1}',
             '{"prefixItems":[true,false],"anyOf":[{"maxLength":2},{"pattern":"^(a|b)+$"}]}', '{"allOf":[{"$ref":"#/allOf/0"}]}', "true", "false", "1", '{"typo":1}',
             '{"format":"date-time","minLength":1}', '{"anyOf":[{"format":"uri"},{"format":"uuid"}]}']
    bodies = ["1", "-1.0", "12345678901234567890123", "1e-400", '{"a":{"a":{}}}', '{"a":{"a":{"a":1}},"b":2}', "[1,1.0]", "[99.99,100.00000000000000000001]", '"a"', '"bab"',
              '{"x1":"a@b.example","y":0}', '"2026-12-01T15:09:04Z"', '"urn:a:b"', "null", "[[],{}]", "{"]
    for text in texts:
        for body in bodies:
            yield f"{text}\0{body}"


def patterns():
    """A pattern, NUL, a text."""
    texts = ["", "a", "aaab", "ABC-1234", "+1 (555) 010-0000", "é😀\n", "a@b.example", "x" * 60]
    for pattern in ["", "^a", "a$", "^$", "$^", "^(a|b)*c$", "^[A-Z]{3}-\\d{4}$", "^\\+?[0-9 ()-]{10,20}$", "[^a-z]", "^(a+)+$", "(a|b)*a(a|b){12}", ".", "\\u{1F600}|\\xe9",
                    "[\\w-]+@[\\w.]+", "(?:^|x){2,}", "a{0,3}?b??", "[]", "[^]", "(((a)))", "(?=a)", "[z-a]", "\\", "a{2,1}", "^(?:a?){20}a{20}$"]:
        for text in texts:
            yield f"{pattern}\0{text}"


def leaks():
    """First byte: syntax and how often the text comes; second byte: how it is cut."""
    key, dashes = "ghp_" + "A1b2" * 9, "-" * 5
    texts = ["", "text", f"a {key}\n", f'{{"k":"{key}","n":[1,"\\n{key}\\""]}}', "\tat a.B.c(B.java:12)\r\n",
             '{"e":"  File \\"/a.py\\", line 3, in f\\n  g()\\nEnd"}', f"{dashes}BEGIN PRIVATE KEY{dashes}\nabcd\n{dashes}END PRIVATE KEY{dashes}\nrest",
             f'{{"k":"{dashes}BEGIN EC PRIVATE KEY{dashes}\\nab\\/c\\u002b\\n","m":"\\ud83d\\ude00"}}', "x" * 1100 + " SQLSTATE[42S02] " + "y" * 1100,
             '<p>x</p><b>/var/www/a.php</b> on line <b>3</b>', 'near \\"x\\": syntax error \\u12', "eyJhbGciOi" + "A1b2" * 30 + ".e30.x",
             f'{{"k":["{dashes}BEGIN PRIVATE KEY{dashes}", "{"A1b2" * 16}"],"m":[{{"n":"{"A1b2" * 16}\\u002b"}},1,"{dashes}END PRIVATE KEY{dashes}"]}}',
             f"<p>{dashes}BEGIN PRIVATE KEY{dashes}<br>{'A1b2' * 16}&#43;< x<br >{dashes}END PRIVATE KEY{dashes}</p>rest", "main.go:12 " * 30, f"%3D{key} %253D{key}",
             '"\\u0027" Unknown column \\u0027a\\u0027 in &#039;b&#39;', 'at A.B() in C:\\\\new\\\\a.cs:line 3\\r\\nok', "goroutine 1 [running]:\nmain.go:12 +0x1d\n", f"\\{key}\\n{key}\\u00e9{key}"]
    for text in texts:
        for syntax in range(3):
            for repeat, cut in [(0, 0), (0x40, 7), (0xf0, 200)]:
                yield bytes([repeat + (syntax - repeat) % 3, cut]) + text.encode()


for name, make in {"request_head": request_heads, "chunked_body": chunked_bodies, "websocket": websocket_frames, "unpacker": packed_bodies, "answer_decoder": answers, "model_decoder": model_answers, "webhook": webhooks, "response_parser": responses,
                   "json_body": json_bodies, "multipart_form": forms, "form_fields": form_fields, "schema": schemas, "pattern": patterns, "credentials": credentials, "jwt": jwts, "dpop": proofs, "api_key": api_keys, "totp": totp_inputs, "config": configurations, "origin": origins, "bot_evidence": bot_evidence, "captcha": captchas,
                   "leak_scanner": leaks, "decoder": encoded_texts, "tokenizers": lambda: itertools.islice(rule_texts(), 1, 400, 5),
                   "inspect": lambda: itertools.islice(rule_texts(), 2, 400, 6)}.items():
    write(name, make())

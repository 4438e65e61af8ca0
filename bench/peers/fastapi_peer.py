"""A chat proxy as a small team writes it: FastAPI, a sliding window in Redis, a few patterns, httpx."""
import os
import re
import time
import uuid

import httpx
import redis.asyncio
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

UPSTREAM = os.environ["PEER_UPSTREAM"]
LIMIT_PER_MINUTE = 10**9
REFUSED = re.compile(r"<script|javascript:|on(load|error|click)\s*=|union\s+select|drop\s+table|\.\./", re.I)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Content-Security-Policy": "default-src 'self'",
}

app = FastAPI()
windows = redis.asyncio.from_url(os.environ["PEER_REDIS"])
assistant = httpx.AsyncClient(limits=httpx.Limits(max_connections=None, max_keepalive_connections=128))


async def attempts(address: str) -> int:
    """Requests of an address in the last minute, this one included."""
    now = time.time()
    key = "window:" + address
    async with windows.pipeline(transaction=True) as steps:
        steps.zremrangebyscore(key, 0, now - 60)
        steps.zadd(key, {uuid.uuid4().hex: now})
        steps.zcard(key)
        steps.expire(key, 60)
        return (await steps.execute())[2]


@app.get("/")
async def alive():
    return {"status": "ok"}


@app.post("/")
async def chat(request: Request):
    if await attempts(request.client.host) > LIMIT_PER_MINUTE:
        return JSONResponse({"error": "too many requests"}, 429, HEADERS)
    message = (await request.json()).get("message", "")
    if not message.strip() or len(message) > 10_000 or REFUSED.search(message):
        return JSONResponse({"error": "refused"}, 400, HEADERS)
    answer = await assistant.post(UPSTREAM, json={"message": message})
    return JSONResponse(answer.json(), answer.status_code, HEADERS)

"""The same class on the usual stack: FastAPI, PostgreSQL for facts, Redis for caches and boards, and a manager of WebSockets
in the process. It speaks as much of Homeroom's contract as `homeroom bench earn`, `class`, `board`, `read` and `idle` need.

Written as such services are: every award is one transaction, the board is a sorted set, a change is sent to everybody who
subscribed to its topic. Durability is PostgreSQL's default (synchronous_commit=on), as FULL is Homeroom's."""

import os
import time
from collections import defaultdict
from contextlib import asynccontextmanager
from typing import Optional

import asyncpg
import orjson
import redis.asyncio as redis
from fastapi import FastAPI, Header, HTTPException, Request, Response, WebSocket, WebSocketDisconnect
from pydantic import BaseModel

TOKEN = "Bearer " + os.environ["BASELINE_TOKEN"]
POINTS = {
    "read_content": 10,
    "complete_quiz": 50,
    "contribute_resource": 25,
    "community_feedback": 15,
    "team_achievement": 100,
}
QUIZZES_OF_A_CHAMPION = 10
BOARD = "leaderboard:all"

TABLES = """
CREATE TABLE IF NOT EXISTS users (id bigint PRIMARY KEY, name text NOT NULL, alias text);
CREATE TABLE IF NOT EXISTS units (id bigint PRIMARY KEY, title text NOT NULL, qualification_id bigint);
CREATE TABLE IF NOT EXISTS teams (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE IF NOT EXISTS team_members (team_id bigint NOT NULL, user_id bigint PRIMARY KEY);
CREATE INDEX IF NOT EXISTS team_members_of ON team_members (team_id);
CREATE TABLE IF NOT EXISTS user_points (
    id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, action_type text NOT NULL,
    reference_id bigint NOT NULL, points int NOT NULL, earned_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, action_type, reference_id));
CREATE TABLE IF NOT EXISTS user_totals (
    user_id bigint PRIMARY KEY REFERENCES users, points bigint NOT NULL, quizzes bigint NOT NULL, version bigint NOT NULL);
CREATE TABLE IF NOT EXISTS user_progress (
    user_id bigint NOT NULL REFERENCES users, unit_id bigint NOT NULL, progress_percentage int NOT NULL,
    last_accessed timestamptz NOT NULL, completed_at timestamptz, PRIMARY KEY (user_id, unit_id));
CREATE TABLE IF NOT EXISTS user_achievements (
    user_id bigint NOT NULL REFERENCES users, achievement_type text NOT NULL,
    earned_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (user_id, achievement_type));
"""


class ConnectionManager:
    """Who listens to what."""

    def __init__(self):
        self.topics = defaultdict(set)
        self.offsets = defaultdict(int)

    def subscribe(self, topic, socket):
        self.topics[topic].add(socket)
        return {"topic": topic, "epoch": "1", "offset": self.offsets[topic], "recovered": False}

    def disconnect(self, socket):
        for sockets in self.topics.values():
            sockets.discard(socket)

    async def broadcast(self, kind, topic, data):
        self.offsets[topic] += 1
        sockets = self.topics.get(topic)
        if not sockets:
            return
        message = {"type": kind, "topic": topic, "offset": self.offsets[topic], "data": data}
        text = orjson.dumps(message).decode()
        for socket in list(sockets):
            try:
                await socket.send_text(text)
            except (RuntimeError, WebSocketDisconnect):
                self.disconnect(socket)


manager = ConnectionManager()


@asynccontextmanager
async def lifespan(app):
    app.state.pool = await asyncpg.create_pool(os.environ["BASELINE_POSTGRES"], min_size=10, max_size=20)
    app.state.redis = redis.from_url(os.environ["BASELINE_REDIS"])
    async with app.state.pool.acquire() as connection:
        await connection.execute(TABLES)
    yield
    await app.state.redis.aclose()
    await app.state.pool.close()


app = FastAPI(lifespan=lifespan)


class Earn(BaseModel):
    user_id: int
    action_type: str
    reference_id: int
    unit_id: Optional[int] = None


def authorized(authorization):
    if authorization != TOKEN:
        raise HTTPException(401)


def answer(body, status=200):
    return Response(orjson.dumps(body), status, media_type="application/json")


async def award(wish: Earn):
    """Keeps one award, then tells caches, boards and listeners."""
    points = POINTS.get(wish.action_type)
    if points is None:
        raise HTTPException(422)
    is_quiz = wish.action_type == "complete_quiz"
    async with app.state.pool.acquire() as connection, connection.transaction():
        kept = await connection.fetchrow(
            "INSERT INTO user_points (user_id, action_type, reference_id, points) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT DO NOTHING RETURNING id",
            wish.user_id, wish.action_type, wish.reference_id, points,
        )
        if kept is None:
            return {"awarded": False, "points": 0, "reason": "already_awarded"}
        totals = await connection.fetchrow(
            "INSERT INTO user_totals VALUES ($1, $2, $3, 1) ON CONFLICT (user_id) DO UPDATE SET"
            " points = user_totals.points + $2, quizzes = user_totals.quizzes + $3, version = user_totals.version + 1"
            " RETURNING points, quizzes, version",
            wish.user_id, points, int(is_quiz),
        )
        if is_quiz and totals["quizzes"] == QUIZZES_OF_A_CHAMPION:
            await connection.execute(
                "INSERT INTO user_achievements VALUES ($1, 'quiz_champion') ON CONFLICT DO NOTHING", wish.user_id
            )
        team_id = await connection.fetchval("SELECT team_id FROM team_members WHERE user_id = $1", wish.user_id)
    caches = app.state.redis.pipeline(transaction=False)
    caches.zadd(BOARD, {wish.user_id: totals["points"]})
    caches.delete(f"progress:{wish.user_id}")
    if team_id is not None:
        caches.zincrby("leaderboard:teams", points, team_id)
        caches.hincrby(f"team:{team_id}", "points", points)
    results = await caches.execute()
    total = totals["points"]
    data = {"event_id": kept["id"], "user_id": wish.user_id, "action_type": wish.action_type,
            "reference_id": wish.reference_id, "points": points, "total": total, "level": 1}
    await manager.broadcast("points_update", f"user:{wish.user_id}", data)
    if team_id is not None:
        sum_of_team = int(results[3])
        row = {"user_id": wish.user_id, "points": total}
        await manager.broadcast("team_update", f"team:{team_id}", {"team_id": team_id, "points": {"sum": sum_of_team}, "members": [row]})
    if manager.topics.get("board:all"):
        changes = {"board": "all", "changes": [{"user_id": wish.user_id, "points": total}], "removed": []}
        await manager.broadcast("leaderboard_update", "board:all", changes)
    return {"awarded": True, "points": points, "total": total, "event_id": kept["id"], "version": totals["version"]}


@app.post("/points/earn")
async def earn(wish: Earn, authorization: str = Header(None)):
    authorized(authorization)
    kept = await award(wish)
    return answer(kept, 201 if kept["awarded"] else 200)


@app.get("/leaderboards/all")
async def leaderboard(limit: int = 50, around: Optional[int] = None, neighbours: int = 5, authorization: str = Header(None)):
    authorized(authorization)
    board = app.state.redis
    first, last = 0, limit - 1
    if around is not None:
        place = await board.zrevrank(BOARD, around)
        if place is None:
            raise HTTPException(404)
        first, last = max(0, place - neighbours), place + neighbours
    rows = await board.zrevrange(BOARD, first, last, withscores=True)
    entries = []
    for user_id, points in rows:
        # Competition ranks: how many have more.
        rank = 1 + await board.zcount(BOARD, f"({points}", "+inf") if not entries or points != entries[-1]["points"] else entries[-1]["rank"]
        entries.append({"rank": rank, "user_id": int(user_id), "points": int(points)})
    return answer({"board": "all", "total": await board.zcard(BOARD), "entries": entries, "next_cursor": None})


@app.get("/progress/{user_id}")
async def progress(user_id: int, authorization: str = Header(None)):
    authorized(authorization)
    cached = await app.state.redis.get(f"progress:{user_id}")
    if cached is not None:
        return Response(cached, media_type="application/json")
    async with app.state.pool.acquire() as connection:
        totals = await connection.fetchrow("SELECT points, version FROM user_totals WHERE user_id = $1", user_id)
        units = await connection.fetch("SELECT unit_id, progress_percentage FROM user_progress WHERE user_id = $1", user_id)
    body = orjson.dumps({
        "user_id": user_id,
        "points": {"total": totals["points"] if totals else 0},
        "version": totals["version"] if totals else 0,
        "units": [dict(unit) for unit in units],
    })
    await app.state.redis.set(f"progress:{user_id}", body, ex=60)
    return Response(body, media_type="application/json")


@app.post("/import")
async def bring(request: Request, authorization: str = Header(None)):
    authorized(authorization)
    school = orjson.loads(await request.body())
    async with app.state.pool.acquire() as connection, connection.transaction():
        for table, columns in (
            ("users", ("id", "name", "alias")),
            ("units", ("id", "title", "qualification_id")),
            ("teams", ("id", "name")),
            ("team_members", ("team_id", "user_id")),
        ):
            rows = [tuple(row.get(column) for column in columns) for row in school.get(table, [])]
            places = ", ".join(f"${place + 1}" for place in range(len(columns)))
            await connection.executemany(f"INSERT INTO {table} VALUES ({places}) ON CONFLICT DO NOTHING", rows)
    return answer({})


@app.websocket("/ws")
async def live(socket: WebSocket):
    if socket.headers.get("authorization") != TOKEN:
        await socket.close(4401)
        return
    await socket.accept(subprotocol="homeroom.v1")
    try:
        while True:
            message = orjson.loads(await socket.receive_text())
            kind = message.get("type")
            if kind == "earn":
                kept = await award(Earn(**message))
                reply = {"type": "ack", "id": message.get("id"), "data": kept}
            elif kind == "subscribe":
                held = [manager.subscribe(wish["topic"], socket) for wish in message["topics"]]
                reply = {"type": "subscribed", "id": message.get("id"), "topics": held}
            else:
                reply = {"type": "pong", "id": message.get("id"), "at": time.time()}
            await socket.send_text(orjson.dumps(reply).decode())
    except WebSocketDisconnect:
        pass
    finally:
        manager.disconnect(socket)

"""The same two services by FastAPI and asyncpg: `uvicorn fastapi_peer:users`, `…:numbers`.

asyncpg reads where the database is from PGHOST, PGPORT, PGDATABASE, PGUSER and PGPASSWORD.
"""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

import asyncpg
import orjson
from fastapi import FastAPI, HTTPException, Query, Request, Response
from pydantic import BaseModel, Field, StringConstraints

Name = Annotated[
    str,
    StringConstraints(
        strict=True, strip_whitespace=True, min_length=1, max_length=80, pattern=r"^[^\x00]*$"
    ),
]
Limit = Annotated[int, Field(strict=True, ge=0, le=2**53 - 1)]
Count = Annotated[int, Field(strict=True, ge=1, le=10_000)]
PageSize = Annotated[int | None, Query(ge=1, le=1000)]
After = Annotated[int, Query(ge=0, le=2**63 - 1)]

INSERT_USER = "INSERT INTO users_user (name) VALUES ($1) ON CONFLICT (name) DO NOTHING RETURNING id"
INSERT_NUMBER = (
    'INSERT INTO random_numbers_generatednumber (user_id, "limit", number)'
    " SELECT id, $1, $2 FROM users.users_user WHERE name = $3 RETURNING id, created_at"
)
INSERT_NUMBERS = (
    'INSERT INTO random_numbers_generatednumber (user_id, "limit", number)'
    " SELECT id, $1, drawn FROM users.users_user, unnest($2::bigint[]) AS drawn WHERE name = $3"
    " RETURNING id, number, created_at"
)
USER = "SELECT id, name FROM users_user WHERE id = $1"
USERS = "SELECT id, name FROM users_user WHERE id > $1 ORDER BY id LIMIT $2"
NUMBERS = (
    'SELECT saved.id, name AS username, number, "limit", saved.created_at AS "createdAt"'
    " FROM random_numbers_generatednumber AS saved"
    " LEFT JOIN users.users_user AS owner ON owner.id = saved.user_id"
    " WHERE saved.id > $1 ORDER BY saved.id LIMIT $2"
)


class NewUser(BaseModel):
    """A user to register."""

    name: Name


class User(NewUser):
    """A user."""

    id: int


class Draw(BaseModel):
    """One number to draw, or several."""

    user: Name
    limit: Limit = 1000
    count: Count | None = None


class Number(BaseModel):
    """A number that was drawn."""

    id: int
    user: str
    limit: int
    randomNumber: int
    createdAt: datetime


@asynccontextmanager
async def pool(app: FastAPI) -> AsyncIterator[None]:
    """Keep connections for as long as the service runs."""
    async with asyncpg.create_pool(min_size=8, max_size=8) as app.state.pool:
        yield


users = FastAPI(lifespan=pool)
numbers = FastAPI(lifespan=pool)


@users.get("/readyz")
@numbers.get("/readyz")
async def readyz(request: Request) -> bool:
    return await request.app.state.pool.fetchval("SELECT true")


@users.post("/users", status_code=201)
async def register(body: NewUser, request: Request, response: Response) -> User:
    pk = await request.app.state.pool.fetchval(INSERT_USER, body.name)
    if pk is None:
        raise HTTPException(409, "This name is taken. Choose another.")
    response.headers["Location"] = f"/users/{pk}"
    return User(id=pk, name=body.name)


@users.get("/users")
async def list_users(request: Request, after: After = 0, page_size: PageSize = None) -> list[User]:
    rows = await request.app.state.pool.fetch(USERS, after, page_size)
    return json([dict(row) for row in rows])


@users.get("/users/{pk}")
async def read_user(pk: int, request: Request) -> User:
    row = await request.app.state.pool.fetchrow(USER, pk)
    if row is None:
        raise HTTPException(404, "Nobody has this id.")
    return User(id=row["id"], name=row["name"])


@numbers.post("/generate-random-number", status_code=201, response_model=Number)
async def generate(body: Draw, request: Request) -> Number | Response:
    if body.count is not None:
        return await generate_many(body, body.count, request)
    number = secrets.randbelow(body.limit + 1)
    row = await request.app.state.pool.fetchrow(INSERT_NUMBER, body.limit, number, body.user)
    if row is None:
        raise HTTPException(400, "No user with this name is registered.")
    return Number(
        id=row["id"],
        user=body.user,
        limit=body.limit,
        randomNumber=number,
        createdAt=row["created_at"],
    )


async def generate_many(body: Draw, count: int, request: Request) -> Response:
    """Draw several numbers, and save them in one statement."""
    drawn = [secrets.randbelow(body.limit + 1) for _ in range(count)]
    rows = await request.app.state.pool.fetch(INSERT_NUMBERS, body.limit, drawn, body.user)
    if not rows:
        raise HTTPException(400, "No user with this name is registered.")
    return json(
        {
            "user": body.user,
            "limit": body.limit,
            "createdAt": rows[0]["created_at"],
            "randomNumbers": [{"id": pk, "randomNumber": number} for pk, number, _ in rows],
        },
        status=201,
    )


@numbers.get("/get-saved-numbers")
async def saved_numbers(
    request: Request, after: After = 0, page_size: PageSize = None
) -> dict[str, list]:
    rows = await request.app.state.pool.fetch(NUMBERS, after, page_size)
    return json({"savedNumbers": [dict(row) for row in rows]})


def json(content: object, status: int = 200) -> Response:
    """Return rows as they are; to check each by a model again would take several times as long."""
    body = orjson.dumps(content, option=orjson.OPT_UTC_Z)
    return Response(body, status, media_type="application/json")

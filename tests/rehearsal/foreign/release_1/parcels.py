"""Parcels, release 1: weights in kilograms."""

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg_pool import AsyncConnectionPool
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOPIC = os.environ["SCANS_TOPIC"]
pool = AsyncConnectionPool(
    kwargs={
        "user": os.environ["DATABASE_USER"],
        "password": os.environ["DATABASE_PASSWORD"],
        "autocommit": True,
    },
    min_size=4,
    max_size=4,
    open=False,
)


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    async with pool:
        yield


async def alive(_: Request) -> Response:
    async with pool.connection() as connection:
        await connection.execute("SELECT weight_kg FROM parcels LIMIT 1")
    return JSONResponse({"release": "1"})


async def send(request: Request) -> Response:
    body = await request.json()
    parcel = uuid.uuid4()
    async with pool.connection() as connection:
        await connection.execute(
            "INSERT INTO parcels (id, sender, weight_kg) VALUES (%s, %s, %s)",
            [parcel, body["sender"], body["weight_kg"]],
        )
    return JSONResponse({"id": str(parcel)}, status_code=201)


async def look(request: Request) -> Response:
    async with pool.connection() as connection:
        found = await connection.execute(
            "SELECT sender, weight_kg, (SELECT place FROM scans WHERE parcel_id = parcels.id ORDER BY scans.id DESC LIMIT 1)"
            " FROM parcels WHERE id = %s",
            [request.path_params["parcel"]],
        )
        row = await found.fetchone()
    if row is None:
        return Response(status_code=404)
    sender, weight, place = row
    return JSONResponse({"sender": sender, "weight_kg": float(weight), "last_seen": place})


async def weigh(request: Request) -> Response:
    body = await request.json()
    async with pool.connection() as connection:
        done = await connection.execute(
            "UPDATE parcels SET weight_kg = %s WHERE id = %s", [body["weight_kg"], request.path_params["parcel"]]
        )
    return Response(status_code=204 if done.rowcount else 404)


async def scan(request: Request) -> Response:
    body = await request.json()
    async with pool.connection() as connection:
        await connection.execute(
            "INSERT INTO scans (parcel_id, place) VALUES (%s, %s)", [request.path_params["parcel"], body["place"]]
        )
    return JSONResponse({"published_to": TOPIC}, status_code=201)


async def take_back(request: Request) -> Response:
    async with pool.connection() as connection:
        await connection.execute("DELETE FROM parcels WHERE id = %s", [request.path_params["parcel"]])
    return Response(status_code=204)


app = Starlette(
    lifespan=lifespan,
    routes=[
        Route("/alive", alive),
        Route("/parcels", send, methods=["POST"]),
        Route("/parcels/{parcel:uuid}", look),
        Route("/parcels/{parcel:uuid}", weigh, methods=["PATCH"]),
        Route("/parcels/{parcel:uuid}", take_back, methods=["DELETE"]),
        Route("/parcels/{parcel:uuid}/scans", scan, methods=["POST"]),
    ],
)

"""Copies customers into PostgreSQL, with as many worker processes as are started."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from nats.js.api import ConsumerConfig, RetentionPolicy, StreamConfig
from taskiq import async_shared_broker
from taskiq_nats import PullBasedJetStreamBroker

from readahead import Pace
from readahead.export import Postgres
from readahead.kintsugi import BASE_URL, Kintsugi
from readahead.workers import CopyJob, SharedPace

DATABASE = os.environ.get("DATABASE_URL", "postgresql://127.0.0.1/warehouse")

broker = PullBasedJetStreamBroker(
    os.environ.get("NATS_URL", "nats://127.0.0.1:4222"),
    # A message goes when it is acknowledged. One that was not, after ack_wait seconds, is delivered again.
    stream_config=StreamConfig(retention=RetentionPolicy.WORK_QUEUE),
    consumer_config=ConsumerConfig(durable_name="taskiq_durable", ack_wait=30),
    pull_consume_timeout=5,  # without it, a worker waits for ever once the server was restarted
    max_reconnect_attempts=-1,
)
async_shared_broker.default_broker(broker)


@asynccontextmanager
async def kintsugi() -> AsyncIterator[Kintsugi]:
    """Open the client of a worker process. All of them share one budget."""
    async with (
        SharedPace.connect(Postgres(DATABASE), "kintsugi", Pace(10_000, per=60)) as gate,
        Kintsugi(
            api_key=os.environ["KINTSUGI_API_KEY"],
            organization_id=os.environ["KINTSUGI_ORGANIZATION_ID"],
            base_url=os.environ.get("KINTSUGI_URL", BASE_URL),
            gate=gate,
        ) as client,
    ):
        yield client


customers = CopyJob(
    "customers",
    client=kintsugi,
    query=lambda client: client.customers.where(country="US"),
    to=Postgres(DATABASE, table="customers"),
)


async def start() -> None:
    """Start a run, or go on with the one that is not over, and wait for it."""
    await broker.startup()
    print("run", await customers.start())
    print(await customers.wait())
    await broker.shutdown()

"""What the workers of the crash test run. Each test has jobs of its own, so it names its run."""

import os
from contextlib import asynccontextmanager
from pathlib import Path

from nats.js.api import ConsumerConfig, RetentionPolicy, StreamConfig
from taskiq import TaskiqEvents, async_shared_broker
from taskiq_nats import PullBasedJetStreamBroker

from readahead.export import Postgres
from readahead.http.pacing import Pace
from readahead.kintsugi import Kintsugi
from readahead.workers import CopyJob, SharedPace

PACE = Pace(400, per=5.0)  # of all workers together

broker = PullBasedJetStreamBroker(
    [os.environ["NATS_URL"]],
    stream_config=StreamConfig(retention=RetentionPolicy.WORK_QUEUE),
    consumer_config=ConsumerConfig(durable_name="taskiq_durable", ack_wait=12.0),
    pull_consume_timeout=1,
    max_reconnect_attempts=-1,
    reconnect_time_wait=0.2,
)
async_shared_broker.default_broker(broker)


@asynccontextmanager
async def kintsugi():
    api = {"api_key": "key", "organization_id": "org_sandbox", "base_url": os.environ["API_URL"]}
    async with (
        SharedPace.connect(Postgres(os.environ["DATABASE_URL"]), "the account", PACE) as gate,
        Kintsugi(**api, pace=None, gate=gate) as client,
    ):
        yield client


def job(name, seconds=5.0):
    return CopyJob(
        f"{name} in {os.environ['RUN']}",
        client=kintsugi,
        query=lambda client: client.customers,
        to=Postgres(os.environ["DATABASE_URL"], table=name),
        parts=32,
        window=3,
        seconds=seconds,
    )


JOBS = {"undisturbed": job("undisturbed"), "disturbed": job("disturbed"), "stopped": job("stopped", seconds=60.0)}


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
def note(_):
    """Tell the test who it can kill."""
    Path(os.environ["WORKERS"], str(os.getpid())).touch()

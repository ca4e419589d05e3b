"""What the workers of the crash test run: two jobs of 100,000 rows, one for each run of the test."""

import os
from contextlib import asynccontextmanager
from pathlib import Path

from nats.js.api import ConsumerConfig, RetentionPolicy, StreamConfig
from taskiq import TaskiqEvents, async_shared_broker
from taskiq_nats import PullBasedJetStreamBroker

from readahead.export.postgres import Postgres
from readahead.http.pacing import Pace
from readahead.kintsugi import Kintsugi
from readahead.workers import CopyJob, SharedPace

PARTS, WINDOW, SECONDS, ACK_WAIT = 24, 3, 3.0, 9.0
PACE = Pace(400, per=5.0)  # of all workers together

broker = PullBasedJetStreamBroker(
    [os.environ["NATS_URL"]],
    stream_config=StreamConfig(retention=RetentionPolicy.WORK_QUEUE),
    consumer_config=ConsumerConfig(durable_name="taskiq_durable", ack_wait=ACK_WAIT),
    pull_consume_timeout=1,
    max_reconnect_attempts=-1,
    reconnect_time_wait=0.2,
)
async_shared_broker.default_broker(broker)


@asynccontextmanager
async def kintsugi():
    async with Postgres(os.environ["DATABASE_URL"]).connect() as database:
        gate = SharedPace(database, "the account", PACE)
        async with Kintsugi(
            api_key="key", organization_id="org_sandbox", base_url=os.environ["API_URL"], pace=None, gate=gate
        ) as client:
            yield client


JOBS = {
    name: CopyJob(
        name,
        client=kintsugi,
        query=lambda client: client.customers,
        to=Postgres(os.environ["DATABASE_URL"], table=name),
        parts=PARTS,
        window=WINDOW,
        seconds=SECONDS,
    )
    for name in ("undisturbed", "disturbed")
}


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
def note(_):
    """Tell the test who it can kill."""
    Path(os.environ["WORKERS"], str(os.getpid())).touch()

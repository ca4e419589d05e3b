"""Starts a run of the job, or goes on with the one that is not over, and waits for it."""

import asyncio

from app import broker, customers


async def main() -> None:
    await broker.startup()
    print("run", await customers.start())
    print(await customers.wait())
    await broker.shutdown()


if __name__ == "__main__":
    asyncio.run(main())

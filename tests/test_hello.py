import asyncio

import unknot


async def test_plays(air: unknot.Air, simulated_ball: unknot.SimulatedBall) -> None:
    async with unknot.connect(simulate=air) as ball, unknot.play("calf", on=ball) as session:
        ended = await session.wait()
    assert ended.reason == "completed"
    assert asyncio.get_running_loop().time() > 250

import pytest

pytest_plugins = ["pytester"]

SOMEBODY_ELSES_TESTS = """
    import asyncio
    import time

    import pytest
    import unknot

    @pytest.mark.asyncio
    async def test_a_ball_is_on_the_air(virtual_time, air, simulated_ball):
        began = time.monotonic()
        async with unknot.connect(simulate=air) as ball:
            await ball.vibrate(30, seconds=10)
            await asyncio.sleep(3600)
        assert simulated_ball.trace.seconds_on() == 10
        assert virtual_time.now > 3600
        assert time.monotonic() - began < 5

    @pytest.mark.asyncio
    async def test_other_tests_keep_their_loop():
        assert type(asyncio.get_running_loop()).__module__.startswith("asyncio")

    def test_plain_tests_need_no_loop(air):
        assert list(air) == []
"""


def test_the_plugin_serves_other_peoples_tests(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\nasyncio_mode = strict")
    pytester.makepyfile(SOMEBODY_ELSES_TESTS)
    pytester.runpytest_subprocess("-W", "error").assert_outcomes(passed=3)


def test_another_choice_of_loop_is_told(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\nasyncio_mode = strict")
    pytester.makeconftest(
        """
        import asyncio

        def pytest_asyncio_loop_factories(config, item):
            return {"mine": asyncio.new_event_loop}
        """
    )
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.asyncio
        async def test_time(virtual_time):
            virtual_time.now
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*another plugin or conftest chose its event loop*"])


def test_without_pytest_asyncio_the_plugin_is_quiet(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_air(air, simulated_ball):\n    assert list(air) == [simulated_ball]")
    pytester.runpytest_subprocess("-p", "no:asyncio", "-W", "error").assert_outcomes(passed=1)

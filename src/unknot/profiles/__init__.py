"""How a ball speaks: firmware profiles as data, and the codec that turns commands into bytes and bytes into reports.

Pure: used by the real ball (`unknot.device`), by the simulated one (`unknot.simulator`) and by ``unknot show``.
"""

"""A real ball, by way of bleak: finding it, the link to it, and the ball itself with its verbs.

Whether bleak stands on a radio or on the simulated air is decided by `unknot.api`, which hands over a `Radio`.
"""

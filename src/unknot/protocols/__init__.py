"""What a muscle gets: protocols as data, the limits in code, and the compiler that makes a timeline for one ball.

Pure: used by the session, the CLI and scripts; knows levels and profiles, but no radio and no clock.
"""

"""The file that a gateway's configuration begins as; for ``unknot config init``."""

from __future__ import annotations

_TEXT = """\
# The configuration of a gateway of unknot: balls behind an MQTT broker. Check it with: unknot config check
# Lines with a # show what else there is, most of it as it is when it is left out.
# A value can also be given in the environment: url in [broker] is UNKNOT_BROKER__URL, and that wins.
# An editor completes and explains the keys: see unknot config schema --help
schema = 1

# Where the MQTT broker is, and who we are there. With TLS the url begins with mqtts://
[broker]
url = "mqtt://localhost"
# username = "@NAME@"
# The password stands in a file of its own, which only you may read, or in UNKNOT_BROKER__PASSWORD; never in this one.
# password_file = "broker-password"
# Certificates: those to trust instead of the system's; our own and its key, if the broker asks for them.
# ca_file = "ca.pem"
# cert_file = "gateway.pem"
# key_file = "gateway.key"
# version = "5"
# base = "unknot"
# keep_alive = "15s"

# What this gateway is called in topics, and what it may do.
[gateway]
# name = "@NAME@"
# adapter = "hci0"
# Whether it takes every ball that it finds and a profile describes, or only those named below.
# take_new = false
# What becomes of what plays when the broker is gone: "finish" or "stop".
# on_broker_lost = "finish"
# publish_log = false
# accept_protocols = false
# log_format = "text"

# Whether balls appear in Home Assistant by themselves.
[homeassistant]
# discovery = true
# prefix = "homeassistant"

# The balls that it keeps, a section for each; unknot scan shows what is in range.
# [[balls]]
# address = "AA:BB:CC:DD:EE:FF"
# name = "Ball in room 3"
# id = "room-3"
# profile = "open-ball"

# One whose address changes is known by the name that it advertises.
# [[balls]]
# advertised = "OpenBall 7"
"""


def text(name: str) -> str:
    """The file of a gateway that would have this id if it were not named."""
    return _TEXT.replace("@NAME@", name)

"""A real Home Assistant core on a free port of this machine, joined to a broker, for as long as a block lasts.

    with home_assistant(tmp_path, server, HASS, user="homeassistant", password="secret") as core:
        core.call("button.press", "button.kugel_stop")

It is used only where ``UNKNOT_HOMEASSISTANT`` names one: the path of a ``hass`` in an environment of its own, with all
that the core and its parts for MQTT, automations and its web server need (`INSTALL`).
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.bridge.mosquitto import Mosquitto

VARIABLE = "UNKNOT_HOMEASSISTANT"
INSTALL = (
    "with Python 3.13: pip install homeassistant==2025.4.4 paho-mqtt==2.1.0 home-assistant-frontend==20250411.0 "
    "SQLAlchemy==2.0.39 fnv-hash-fast==1.4.0 psutil-home-assistant==0.0.1 hassil==2.2.3 "
    "home-assistant-intents==2025.3.28 pymicro-vad==1.0.1 pyspeex-noise==1.0.2 mutagen==1.47.0 ha-ffmpeg==3.2.2"
)
PATIENCE_SECONDS = 60.0
"""For a start that takes 3 s."""
ROUND_SECONDS = 0.05

CONFIGURATION = """\
http:
  server_host: 127.0.0.1
  server_port: {port}
frontend:
config:
input_button:
  bed:
automation: !include automations.yaml
logger:
  default: warning
"""

T = TypeVar("T")


class Core:
    """A core's process, and one owner who is logged in.

    Attributes:
        url: of its web server.
        log_file: what it says.
    """

    def __init__(self, hass: str, folder: Path, automations: str) -> None:
        self.log_file = folder / "core.log"
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        (folder / "configuration.yaml").write_text(CONFIGURATION.format(port=port))
        (folder / "automations.yaml").write_text(automations)
        self.url = f"http://127.0.0.1:{port}"
        self._token = ""
        self._marks = 0
        command: list[str | Path] = [hass, "--config", folder, "--skip-pip"]
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)

    @property
    def log(self) -> str:
        """What it has said until now."""
        return self.log_file.read_text(errors="replace")

    @property
    def version(self) -> str:
        """Which Home Assistant it is."""
        return str(self.ask("GET", "/api/config")["version"])

    def mark(self) -> int:
        """How long its log is once all is written that it has to say until now."""
        self._marks += 1
        mark = f"mark {self._marks} of the test"
        self.ask("POST", "/api/services/system_log/write", {"message": mark, "level": "error", "logger": "test"})
        self.until(lambda: mark in self.log, "its log")
        return len(self.log)

    def troubles(self, since: int) -> list[str]:
        """The warnings and errors that it has logged since a mark."""
        self.mark()
        found = re.findall(r"^.* (?:WARNING|ERROR|CRITICAL) .*$", self.log[since:], re.MULTILINE)
        return [line for line in found if "[test]" not in line]

    def until(self, ask: Callable[[], T], what: str) -> T:
        """The first answer that is true; fails when it does not come."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            assert self._process.poll() is None, f"Home Assistant has ended: {self.log}"
            if answer := ask():
                return answer
            time.sleep(ROUND_SECONDS)
        raise AssertionError(f"{what} never came; {self.log[-2000:]}")

    def ask(self, method: str, path: str, data: Any = None) -> Any:
        """One request to its REST API."""
        request = urllib.request.Request(f"{self.url}{path}", method=method)  # noqa: S310, our own process
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        if data is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(data).encode()
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310, as above
            text = answer.read().decode()
        return json.loads(text) if "json" in answer.headers["Content-Type"] else text

    def states(self) -> dict[str, str]:
        """What each entity shows."""
        return {state["entity_id"]: state["state"] for state in self.ask("GET", "/api/states")}

    def state(self, entity: str) -> str:
        """What an entity shows; empty if there is none."""
        return self.states().get(entity, "")

    def attribute(self, entity: str, name: str) -> Any:
        """What an entity has beside its state."""
        return self.ask("GET", f"/api/states/{entity}")["attributes"].get(name)

    def expect(self, entity: str, value: str) -> None:
        """Wait until it shows that."""
        self.until(lambda: self.state(entity) == value, f"{value!r} of {entity}")

    def call(self, service: str, entity: str, **data: Any) -> None:
        """Call a service, "switch.turn_on", as a person or an automation does."""
        domain, name = service.split(".")
        self.ask("POST", f"/api/services/{domain}/{name}", {"entity_id": entity, **data})

    def device(self, entity: str, fact: str) -> str:
        """A fact about the device of an entity, from its registry: "id", "name", "via_device_id"."""
        template = f"{{{{ device_attr(device_id('{entity}'), '{fact}') }}}}"
        return str(self.ask("POST", "/api/template", {"template": template}))

    def reload(self) -> None:
        """Leave the broker and join it again, as a restart does."""
        entries = self.ask("GET", "/api/config/config_entries/entry")
        entry = next(entry["entry_id"] for entry in entries if entry["domain"] == "mqtt")
        self.ask("POST", f"/api/config/config_entries/entry/{entry}/reload", {})

    def log_in(self) -> None:
        """Make the first account, as a person does when it starts for the first time."""
        person = {"name": "T", "username": "t", "password": "t", "client_id": f"{self.url}/", "language": "en"}
        code = self.until(lambda: self._code(person), "the onboarding")
        form = {"grant_type": "authorization_code", "code": code, "client_id": f"{self.url}/"}
        with urllib.request.urlopen(  # noqa: S310, our own process
            f"{self.url}/auth/token", urllib.parse.urlencode(form).encode(), timeout=PATIENCE_SECONDS
        ) as tokens:
            self._token = json.load(tokens)["access_token"]

    def _code(self, person: dict[str, str]) -> str:
        try:
            return str(self.ask("POST", "/api/onboarding/users", person)["auth_code"])
        except urllib.error.HTTPError as error:
            error.close()
        except (urllib.error.URLError, ConnectionError):
            pass
        return ""  # it is not listening yet, or has not set up this part

    def join(self, server: Mosquitto, user: str, password: str) -> None:
        """Add the MQTT integration, as a person does in its settings."""
        self.until(lambda: self.ask("GET", "/api/config")["state"] == "RUNNING", "the start")
        flow = self.ask("POST", "/api/config/config_entries/flow", {"handler": "mqtt"})
        asked = {field["name"] for field in flow["data_schema"]}  # each version asks something else
        others = {"set_client_cert": False, "set_ca_cert": "off", "transport": "tcp"}
        known = {"port": server.port, "username": user, "password": password, "protocol": "5", "other_settings": others}
        answers = {"broker": "127.0.0.1"} | {key: value for key, value in known.items() if key in asked}
        done = self.ask("POST", f"/api/config/config_entries/flow/{flow['flow_id']}", answers)
        assert done["type"] == "create_entry", done

    def end(self) -> None:
        """End it and what it started."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE_SECONDS)


def program() -> str:
    """The path of hass; a module that calls this is skipped where none is named."""
    found = os.environ.get(VARIABLE, "")
    if not found:
        reason = f"no real Home Assistant: {VARIABLE} names no hass; how to get one is in {__name__}"
        pytest.skip(reason, allow_module_level=True)
    return found


@contextmanager
def home_assistant(
    folder: Path, server: Mosquitto, hass: str, *, user: str, password: str, automations: str = "[]"
) -> Iterator[Core]:
    """A core with an account, joined to the broker as that user, until the block is left."""
    folder = folder / "homeassistant"
    folder.mkdir()
    core = Core(hass, folder, automations)
    try:
        core.log_in()
        core.join(server, user, password)
        yield core
    finally:
        core.end()

"""A service's objects on a D-Bus: their properties, their methods and the signals that tell of both.

Used by everything of our org.bluez. dbus-fast's own service classes hide who calls, which BlueZ's manners depend on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dbus_fast import DBusError, ErrorType, Message, MessageType, Variant

if TYPE_CHECKING:
    from dbus_fast.aio import MessageBus

OBJECT_MANAGER = "org.freedesktop.DBus.ObjectManager"
PROPERTIES = "org.freedesktop.DBus.Properties"
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"

Reply = tuple[str, list[Any]]
NOTHING: Reply = ("", [])
Method = Callable[[Message], Awaitable[Reply]]
"""What answers a call: it returns the reply's signature and body, or raises `DBusError`."""


@dataclass
class Interface:
    """One interface of an object.

    Attributes:
        properties: what it shows.
        methods: what it does.
        setters: what can be set.
    """

    properties: dict[str, Variant] = field(default_factory=dict)
    methods: Mapping[str, Method] = field(default_factory=dict)
    setters: Mapping[str, Callable[[Any], None]] = field(default_factory=dict)


@dataclass
class Spoiled:
    """A fault of the service itself: calls of a method that are answered with an error.

    Attributes:
        member: the method.
        error: the answer; None for none at all.
        left: how many calls it still hits.
    """

    member: str
    error: DBusError | None
    left: int


class Tree:
    """The objects of one service.

    Args:
        bus: the connection that owns its name.
    """

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self._objects: dict[str, dict[str, Interface]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._spoiled: list[Spoiled] = []
        bus.add_message_handler(self._hear)

    def export(self, path: str, **interfaces: Interface) -> None:
        """Show an object; the interfaces are named as ``Device1`` is, without ``org.bluez.``."""
        shown = {f"org.bluez.{name}": interface for name, interface in interfaces.items()}
        self._objects[path] = shown
        body = [path, {name: interface.properties for name, interface in shown.items()}]
        self._signal("/", OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", body)

    def remove(self, path: str) -> None:
        """Show an object no more."""
        interfaces = self._objects.pop(path, None)
        if interfaces is not None:
            self._signal("/", OBJECT_MANAGER, "InterfacesRemoved", "oas", [path, list(interfaces)])

    def change(self, path: str, name: str, changed: Mapping[str, Variant], gone: tuple[str, ...] = ()) -> None:
        """Change properties of an object's interface, and tell it even if they are as before."""
        interface = self._objects.get(path, {}).get(f"org.bluez.{name}")
        if interface is None:
            return
        interface.properties.update(changed)
        gone = tuple(key for key in gone if interface.properties.pop(key, None) is not None)
        if changed or gone:
            body = [f"org.bluez.{name}", dict(changed), list(gone)]
            self._signal(path, PROPERTIES, "PropertiesChanged", "sa{sv}as", body)

    def spoil(self, member: str, error: DBusError | None, count: int = 1) -> None:
        """Have the next ``count`` calls of a method answered with an error, or not at all."""
        self._spoiled.append(Spoiled(member, error, count))

    async def end(self) -> None:
        """Answer nobody any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _signal(self, path: str, interface: str, member: str, signature: str, body: list[Any]) -> None:
        if self._bus.connected:
            self._bus.send(Message.new_signal(path, interface, member, signature, body))

    def _hear(self, message: Message) -> bool:
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        task = asyncio.create_task(self._answer(message), name=f"{message.member} for {message.sender}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def _answer(self, message: Message) -> None:
        try:
            for spoiled in self._spoiled:
                if spoiled.member == message.member and spoiled.left:
                    spoiled.left -= 1
                    if spoiled.error is None:
                        return
                    raise spoiled.error
            signature, body = await self._method(message)(message)
            reply = Message.new_method_return(message, signature, body)
        except DBusError as error:
            reply = Message.new_error(message, error.type, error.text)
        if self._bus.connected:
            self._bus.send(reply)

    def _method(self, message: Message) -> Method:
        interface, member = message.interface, message.member or ""
        if (interface, member) == (OBJECT_MANAGER, "GetManagedObjects"):
            return self._get_managed_objects
        if interface == PROPERTIES and member in ("Get", "GetAll", "Set"):
            return self._use_properties
        shown = self._objects.get(message.path or "")
        if shown is None:
            raise DBusError(ErrorType.UNKNOWN_OBJECT, f"no object {message.path}")
        if interface not in shown or member not in shown[interface].methods:
            raise DBusError(
                ErrorType.UNKNOWN_METHOD,
                f'Method "{member}" with signature "{message.signature}" on interface "{interface}" doesn\'t exist\n',
            )
        return shown[interface].methods[member]

    async def _get_managed_objects(self, _: Message) -> Reply:
        objects = {
            path: {name: interface.properties for name, interface in interfaces.items()}
            for path, interfaces in self._objects.items()
        }
        return "a{oa{sa{sv}}}", [objects]

    async def _use_properties(self, message: Message) -> Reply:
        name, *further = message.body
        interface = self._objects.get(message.path or "", {}).get(name)
        if interface is None:
            raise DBusError(ErrorType.UNKNOWN_OBJECT, f"no interface {name} at {message.path}")
        if message.member == "GetAll":
            return "a{sv}", [interface.properties]
        key = further[0]
        if key not in interface.properties:
            raise DBusError(ErrorType.UNKNOWN_PROPERTY, f"no property {key}")
        if message.member == "Get":
            return "v", [interface.properties[key]]
        if key not in interface.setters:
            raise DBusError(ErrorType.PROPERTY_READ_ONLY, f"{key} is read-only")
        interface.setters[key](further[1].value)
        return NOTHING

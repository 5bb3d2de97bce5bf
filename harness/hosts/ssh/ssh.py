"""SSH connections by paramiko, with ssh_config, agents, jump hosts and strict host keys; blocking.

Everything that can go wrong is one `HostError` that says which host, what, and what to do. A host whose
key is not known is refused: the user must run `ssh-keyscan` and compare the fingerprint.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import paramiko
from paramiko.hostkeys import HostKeyEntry

from harness.hosts.host import HostError
from harness.hosts.inventory import HostSpec
from history.files import RefusedFile, brief, read_regular

CONNECT_BOUND_S = 10.0
KEEP_ALIVE_S = 5
MOST_JUMPS = 8
MOST_FILE_BYTES = 16 << 20
"""A file of host keys, a key, or an ssh_config."""
logging.getLogger("paramiko").addHandler(logging.NullHandler())  # else it prints tracebacks by itself
SYSTEM_KNOWN_HOSTS = Path("/etc/ssh/ssh_known_hosts")


class Target(msgspec.Struct, frozen=True):
    """A host as it is dialled, once ssh_config has been read."""

    name: str
    hostname: str
    port: int
    user: str | None
    keys: tuple[str, ...]
    known_hosts: tuple[str, ...]
    jump: str | None
    command: str | None
    """The ProxyCommand of ssh_config."""


def target_of(spec: HostSpec) -> Target:
    """What a spec means, by ssh_config(5).

    Raises:
        HostError: an ssh_config that the spec names cannot be read.
    """
    found = _config(spec.config, str(spec)).lookup(spec.host)
    port = found.get("port", "22")
    if not (port.isascii() and port.isdecimal() and len(port) <= 5):
        raise HostError(f"{spec}: ssh_config says port {brief(port)!r}, which is no port")
    known = (
        [spec.known_hosts]
        if spec.known_hosts
        else found.get("userknownhostsfile", "~/.ssh/known_hosts").split()
    )
    return Target(
        name=str(spec),
        hostname=found.get("hostname", spec.host),
        port=spec.port or int(port),
        user=spec.user or found.get("user"),
        keys=tuple(_home(key) for key in ([spec.key] if spec.key else found.get("identityfile", []))),
        known_hosts=tuple(_home(path) for path in known),
        jump=None if found.get("proxyjump", "none") == "none" else found["proxyjump"],
        command=found.get("proxycommand"),
    )


def connect(spec: HostSpec, jumps: int = 0, through: str | None = None) -> paramiko.SSHClient:
    """Connect and log in; blocks for `CONNECT_BOUND_S` at most for each step.

    Args:
        jumps: how many hosts are being jumped over already.
        through: a ProxyJump that overrides ssh_config: the hosts before this one in a list.

    Raises:
        HostError: see the module.
    """
    target = target_of(spec)
    if through is not None:
        target = msgspec.structs.replace(target, jump=through, command=None)
    where = f"{target.name}: "
    if jumps > MOST_JUMPS:
        raise HostError(f"{where}more than {MOST_JUMPS} jump hosts; ssh_config may name a circle")
    for key in target.keys:
        if spec.key and not Path(key).exists():
            raise HostError(f"{where}there is no key {key}")
    keys = [key for key in target.keys if Path(key).exists()]
    for key in keys:
        _content(key, target)
    client = _client_of(target)
    try:
        client.connect(
            target.hostname,
            target.port,
            target.user,
            key_filename=keys or None,  # type: ignore[arg-type]  # it takes a list too, the stub forgot
            allow_agent=spec.key is None,
            look_for_keys=not target.keys,
            timeout=CONNECT_BOUND_S,
            banner_timeout=CONNECT_BOUND_S,
            auth_timeout=CONNECT_BOUND_S,
            sock=_channel(spec, target, jumps),
        )
    except (OSError, EOFError, ValueError, paramiko.SSHException) as error:
        raise HostError(where + _complaint(error, target)) from error
    transport = client.get_transport()
    assert transport is not None
    transport.set_keepalive(KEEP_ALIVE_S)
    return client


def _client_of(target: Target) -> paramiko.SSHClient:
    """A client that accepts the known host keys of a target, and no others."""
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(_Refuse())
    for path in target.known_hosts:
        if Path(path).exists():
            _check_host_keys(path, target)
            client.load_host_keys(path)
    if SYSTEM_KNOWN_HOSTS.exists():
        _check_host_keys(str(SYSTEM_KNOWN_HOSTS), target)
        client.load_system_host_keys(str(SYSTEM_KNOWN_HOSTS))
    return client


def _content(path: str, target: Target) -> bytes:
    """The content of a file of SSH's.

    Raises:
        HostError: it is no regular file, or much too large.
    """
    try:
        return read_regular(Path(path), most_bytes=MOST_FILE_BYTES)
    except (RefusedFile, OSError) as error:
        raise HostError(f"{target.name}: {brief(error)}") from error


def _check_host_keys(path: str, target: Target) -> None:
    """Refuse a file of host keys of which a line is damaged: paramiko would end with an error of its own.

    Raises:
        HostError: with the line, and what to do.
    """
    for number, line in enumerate(_content(path, target).splitlines(), start=1):
        try:
            text = line.decode().strip()
            if text and not text.startswith("#"):
                HostKeyEntry.from_line(text, number)
        except Exception as error:
            raise HostError(
                f"{target.name}: {path}, line {number}: not a host key ({brief(error)}); remove this line"
            ) from error


def _complaint(error: Exception, target: Target) -> str:
    """Why a connection failed, and what to do about it."""
    match error:
        case paramiko.BadHostKeyException():
            return (
                f"its host key has CHANGED: known_hosts has {_fingerprint(error.expected_key)}, it shows "
                f"{_fingerprint(error.key)}. If the host was installed again: ssh-keygen -R "
                f"{_known_as(target)!r}, then add the new key; if not, another machine answers for it"
            )
        case _UnknownKey():
            files = ", ".join(target.known_hosts)
            return (
                f"its host key {_fingerprint(error.key)} is not in {files}; check the fingerprint, then: "
                f"ssh-keyscan -p {target.port} {target.hostname} >> {target.known_hosts[0]}"
            )
        case paramiko.PasswordRequiredException():
            return "its key has a passphrase; load it into an agent: ssh-add KEY"
        case paramiko.AuthenticationException():
            tried = ", ".join(target.keys) or "the agent's and the usual ones"
            return (
                f"no key was accepted for user {target.user or 'of this login'} (tried: {tried}); add the "
                "public key to authorized_keys there, or name another user or key="
            )
        case _:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            return f"cannot be reached at {target.hostname}:{target.port}: {why}"


class _UnknownKey(paramiko.SSHException):
    def __init__(self, key: paramiko.PKey) -> None:
        super().__init__("unknown host key")
        self.key = key


class _Refuse(paramiko.MissingHostKeyPolicy):
    """Refuses every host key that is not known."""

    def missing_host_key(self, client: Any, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002 - the protocol's
        raise _UnknownKey(key)


def _channel(spec: HostSpec, target: Target, jumps: int) -> Any:
    """The channel that carries the connection, if not TCP itself: through a jump host, or a command."""
    if target.command is not None and target.command != "none":
        return paramiko.ProxyCommand(target.command)
    if target.jump is None:
        return None
    # The last of a list of jumps is next to the target, and is itself reached by those before it.
    before, _, last = target.jump.rpartition(",")
    user, at, host = last.rpartition("@")
    hostname, colon, port = host.partition(":")
    jump = msgspec.structs.replace(
        spec,
        name=f"{spec.name}'s jump host",
        host=hostname,
        user=user if at else None,
        port=int(port[:6]) if colon and port.isdecimal() else None,
    )
    client = connect(jump, jumps + 1, before or None)
    transport = client.get_transport()
    assert transport is not None
    channel = transport.open_channel(
        "direct-tcpip", (target.hostname, target.port), ("", 0), timeout=CONNECT_BOUND_S
    )
    channel.jump_client = client  # type: ignore[attr-defined]  # it must live as long as the channel
    return channel


def aliases(config: str | None) -> tuple[str, ...]:
    """The hosts that an ssh_config names one by one (its patterns are no hosts), by name.

    Raises:
        HostError: it cannot be read.
    """
    names = _config(config, "hosts by a pattern").get_hostnames()
    return tuple(sorted(name for name in names if not set(name) & set("*?!")))


def _config(config: str | None, whose: str) -> paramiko.SSHConfig:
    path = Path(_home(config or "~/.ssh/config"))
    if not path.exists():
        if config:
            raise HostError(f"{whose}: there is no ssh_config {path}")
        return paramiko.SSHConfig()
    try:
        text = read_regular(path, most_bytes=MOST_FILE_BYTES).decode()
        return paramiko.SSHConfig.from_text(text)
    except (OSError, ValueError, paramiko.ConfigParseError) as error:
        raise HostError(f"{whose}: {path} cannot be read: {brief(error)}") from error


def _home(path: str) -> str:
    try:
        return str(Path(path).expanduser())
    except RuntimeError as error:
        raise HostError(f"{brief(path)!r} names the home folder of no user") from error


def _known_as(target: Target) -> str:
    return target.hostname if target.port == 22 else f"[{target.hostname}]:{target.port}"


def _fingerprint(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.fingerprint}"


def address_of(spec: HostSpec) -> str:
    """The IP address at which clients and other nodes reach a host.

    Raises:
        HostError: its name is not known here.
    """
    name = spec.address or target_of(spec).hostname
    try:
        return str(socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)[0][4][0])
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or brief(error)
        raise HostError(
            f"{spec}: the address of {name!r} is not known here: {why}; give address=IP"
        ) from error


Facts = Mapping[str, Any]
"""What an agent reports of its host."""

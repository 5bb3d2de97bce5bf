"""RabbitMQ of Debian, with the Erlang that runs it.

A node needs Erlang's port mapper: start `usr/bin/epmd` of the release first. From this folder RabbitMQ starts
none by itself, and ends with `nodistribution`.
"""

from __future__ import annotations

from harness.systems.installing.recipe import PATH, Binary, Recipe, Release
from harness.systems.installing.sources.debian import Debian, Mend

_ERLANG = (
    *("erlang-base", "erlang-asn1", "erlang-crypto", "erlang-eldap", "erlang-ftp", "erlang-inets"),
    *("erlang-mnesia", "erlang-os-mon", "erlang-parsetools", "erlang-public-key", "erlang-runtime-tools"),
    *("erlang-snmp", "erlang-ssl", "erlang-syntax-tools", "erlang-tftp", "erlang-tools", "erlang-xmerl"),
)
_BIN = "usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8/sbin"
_ASK = (
    'cd "$(dirname "$(readlink -f "$1")")" && '
    "erl -noshell -noinput -pa ../plugins/rabbit-*/ebin -pa ../lib/*/plugins/rabbit-*/ebin -eval "
    "'application:load(rabbit), {ok, V} = application:get_key(rabbit, vsn), io:put_chars(V), halt().'"
)
"""The library itself is asked: `rabbitmqctl version` would start a daemon (epmd), which would stay."""


def _program(name: str) -> Binary:
    return Binary(name, r"^(\d+\.[\d.]+)$", "rabbitmq-server", ("sh", "-c", _ASK, "ask", PATH))


RABBITMQ = Recipe(
    system="rabbitmq",
    programs=(_program("rabbitmq-server"), _program("rabbitmqctl")),
    releases=(
        Release(
            "3.10.8",
            Debian(
                ("rabbitmq-server", *_ERLANG),
                mends=(
                    # Debian's Erlang looks for itself in the root folder, wherever it lies.
                    Mend(
                        "usr/lib/erlang/bin/erl",
                        "ROOTDIR=/usr/lib/erlang",
                        'ROOTDIR=$(dirname "$(dirname "$(readlink -f "$0")")")',
                    ),
                ),
            ),
            {"rabbitmq-server": (f"{_BIN}/rabbitmq-server",), "rabbitmqctl": (f"{_BIN}/rabbitmqctl",)},
            needs_mib=150,
            search=("usr/bin",),
        ),
    ),
)

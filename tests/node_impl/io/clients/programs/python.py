"""The programs that use Nacos's clients. Each prints what it asks and what it is answered, a line for each.

All do the same. Four workers register, deregister and look up persistent instances, each key a service of its
own. At the beginning each worker registers one ephemeral instance, which it looks up from time to time. In
the end every key is looked up. A write that was not answered may have taken effect (`info`); a lookup that
was not answered is `fail`.

Then a configuration is published, read, listened to and removed, and what the subscriptions showed is
compared with what is there. At last an ephemeral instance is registered in a group and a cluster of its own.
It is left when the program ends, at the end of its standard input and without a farewell.
"""

from __future__ import annotations

from typing import Final

_WORK: Final = """
import asyncio, json, multiprocessing, os, random, sys, time

WORKERS, ROUNDS = 4, 45


def say(**fields):
    print(json.dumps({**fields, "time": time.monotonic_ns()}), flush=True)


class Worker:
    def __init__(self, number, client):
        self.process, self.client, self.count = number, client, 0
        self.random = random.Random(number)

    async def do(self, f, key, value=None):
        say(process=self.process, type="invoke", f=f, key=key, value=value)
        outcome = {"type": "ok", "value": value}
        try:
            async with asyncio.timeout(20):
                if f == "register":
                    done = await self.client.register(key, value)
                elif f == "deregister":
                    done = await self.client.deregister(key)
                else:
                    done, outcome["value"] = True, await self.client.lookup(key)
            if done is not True:
                raise RuntimeError(f"answered {done!r}")
        except Exception as error:  # a client's library may raise anything: the operation has no answer then
            outcome = {"type": "fail" if f == "lookup" else "info", "value": value}
            outcome["error"] = f"{type(error).__name__}: {error}"[:200]
        say(process=self.process, f=f, key=key, **outcome)
        if outcome["type"] == "info":
            self.process += WORKERS
        if outcome["type"] != "ok":
            await asyncio.sleep(0.7)  # a client that has lost its server is at work to find another

    async def work(self):
        mine = f"ephemeral-{self.process}"
        await self.do("register", mine, f"e{self.process}")
        for step in range(ROUNDS):
            key = f"persistent-{self.random.randrange(6)}"
            f = self.random.choice(["register", "register", "deregister", "lookup", "lookup"])
            value = None
            if f == "register":
                self.count += 1
                value = f"r{self.process}-{self.count}"
            await self.do(f, key, value)
            if step % 5 == 4:
                await self.do("lookup", mine)
            await asyncio.sleep(0.03)


async def main(client):
    workers = [Worker(number, client) for number in range(WORKERS)]
    try:
        await asyncio.gather(*(worker.work() for worker in workers))
        await asyncio.sleep(client.settles_s)
        for number in range(6):
            await workers[0].do("lookup", f"persistent-{number}")
        for number in range(WORKERS):
            await workers[0].do("lookup", f"ephemeral-{number}")
            await workers[0].do("deregister", f"ephemeral-{number}")
            await workers[0].do("lookup", f"ephemeral-{number}")
        await client.more()
        await client.leave()
    except BaseException as error:
        say(defect=f"{type(error).__name__}: {error}")
    say(end=True)
    await asyncio.to_thread(sys.stdin.read)  # the test looks around while the client lives
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(0)


async def again(ask):
    # Not one of the judged operations, and on a busy machine the leader may change meanwhile.
    for attempt in range(20):
        try:
            return await ask()
        except Exception:
            if attempt == 19:
                raise
            await asyncio.sleep(0.5)


async def until(ask, within_s):
    # What a client is shown comes a moment later.
    for _ in range(within_s * 5):
        if await ask():
            return True
        await asyncio.sleep(0.2)
    return False


# Beats for the instance that is left: milliseconds.
TIMES = {"preserved.heart.beat.interval": "2000", "preserved.heart.beat.timeout": "9000",
    "preserved.ip.delete.timeout": "12000"}


def address(key):
    return f"10.{1 if key.startswith('e') else 0}.0.{1 + int(key[-1])}"
"""

HTTP: Final = (
    _WORK
    + """
import nacos
from nacos.listener import SubscribeListener


class Client:
    settles_s = 0

    def __init__(self):
        self.nacos = nacos.NacosClient(sys.argv[1], namespace="public")
        self.nacos.set_options(no_snapshot=True)
        self.pushed, self.heard = {}, []

    def show(self, event, instance):
        self.pushed[instance.key] = None if event == "DELETED" else instance.instance["metadata"]["value"]

    async def begin(self):
        for number in range(6):
            key = f"persistent-{number}"
            await asyncio.to_thread(self.nacos.subscribe, SubscribeListener(self.show, key), 1, key)
        await asyncio.to_thread(self.nacos.add_config_watcher, "settings", "DEFAULT_GROUP",
            lambda shown: self.heard.append(shown["raw_content"]))

    def kind(self, key):
        return {"cluster_name": "DEFAULT", "ephemeral": key.startswith("e")}

    async def register(self, key, value):
        return await asyncio.to_thread(self.nacos.add_naming_instance, key, address(key), 80,
            metadata={"value": value}, **self.kind(key))

    async def deregister(self, key):
        return await asyncio.to_thread(self.nacos.remove_naming_instance, key, address(key), 80,
            **self.kind(key))

    async def lookup(self, key):
        listed = await asyncio.to_thread(self.nacos.list_naming_instance, key)
        values = [host["metadata"]["value"] for host in listed["hosts"]]
        return values[0] if values else None

    async def more(self):
        named, content = ("settings", "DEFAULT_GROUP"), f"content {time.time()}"
        ask = lambda f, *given, **more: again(lambda: asyncio.to_thread(f, *given, **more))
        say(published=await ask(self.nacos.publish_config, *named, content))
        say(got=await ask(self.nacos.get_config, *named, no_snapshot=True) == content)

        async def has_heard():
            return content in self.heard

        say(heard=await until(has_heard, 40))
        say(removed=await ask(self.nacos.remove_config, *named))
        say(beat=(await ask(self.nacos.send_heartbeat, "beating", "10.2.0.1", 80, "DEFAULT")).get("code"))

        async def agrees():
            return all([shown == await self.lookup(key) for key, shown in self.pushed.items()])

        await until(agrees, 20)
        say(pushed={key: [] if shown is None else [shown] for key, shown in self.pushed.items()})

    async def leave(self):
        named = {"cluster_name": "c1", "group_name": "teams", "metadata": TIMES}
        ask = lambda f, *given, **more: again(lambda: asyncio.to_thread(f, *given, **more))
        say(left=await ask(self.nacos.add_naming_instance, "left", "10.3.0.1", 80, **named))

        async def beat():
            while True:
                await ask(self.nacos.send_heartbeat, "left", "10.3.0.1", 80, **named)
                await asyncio.sleep(2)

        self.beating = asyncio.create_task(beat())

        async def is_there():
            listed = await ask(self.nacos.list_naming_instance, "left", group_name="teams", clusters="c1")
            return len(listed["hosts"]) == 1

        say(grouped=await until(is_there, 10))


async def begin():
    client = Client()
    await client.begin()
    await main(client)


asyncio.run(begin())
"""
)
"""Python, `nacos-sdk-python` 0.x and 1.x: HTTP."""

GRPC: Final = (
    _WORK
    + """
from v2.nacos import *


class Client:
    settles_s = 8

    async def open(self):
        built = ClientConfigBuilder().server_address(sys.argv[1]).namespace_id("public").build()
        built.load_cache_at_start, built.update_cache_when_empty = False, True
        self.naming = await NacosNamingService.create_naming_service(built)
        self.config = await NacosConfigService.create_config_service(built)
        self.pushed, self.heard = {}, []

        for number in range(6):
            await self.naming.subscribe(SubscribeServiceParam(
                service_name=f"persistent-{number}", clusters=[], subscribe_callback=self.shown(number)))

        async def hear(tenant, group, data_id, content):
            self.heard.append(content)

        await self.config.add_listener("settings", "DEFAULT_GROUP", hear)
        return self

    def shown(self, number):
        async def show(hosts):
            self.pushed[f"persistent-{number}"] = [host.metadata.get("value") for host in hosts]

        return show

    async def register(self, key, value):
        return await self.naming.register_instance(RegisterInstanceParam(service_name=key, ip=address(key),
            port=80, metadata={"value": value}, ephemeral=key.startswith("e")))

    async def deregister(self, key):
        return await self.naming.deregister_instance(DeregisterInstanceParam(service_name=key,
            ip=address(key), port=80, ephemeral=key.startswith("e")))

    async def lookup(self, key):
        # The lists of 3.x are those that the client keeps; pushes bring them up to date a moment later.
        ask = getattr(self.naming.grpc_client_proxy, "query_instance_of_service", None)
        if ask is not None:
            hosts = (await ask(key, "DEFAULT_GROUP", "", False)).hosts
        else:
            hosts = await self.naming.list_instances(ListInstanceParam(service_name=key, subscribe=False,
                healthy_only=None))
        return hosts[0].metadata["value"] if hosts else None

    async def listed(self, key):
        found = await again(lambda: self.naming.list_instances(ListInstanceParam(service_name=key,
            subscribe=False, healthy_only=None)))
        return [host.metadata.get("value") for host in found]

    async def more(self):
        named, content = {"data_id": "settings", "group": "DEFAULT_GROUP"}, f"content {time.time()}"
        naming, config = self.naming, self.config
        say(published=await again(lambda: config.publish_config(ConfigParam(content=content, **named))))
        say(got=await again(lambda: config.get_config(ConfigParam(**named))) == content)

        async def has_heard():
            return content in self.heard

        say(heard=await until(has_heard, 40))
        say(removed=await again(lambda: config.remove_config(ConfigParam(**named))))
        say(services=(await again(lambda: naming.list_services(ListServiceParam()))).count > 0)

        async def agrees():
            return all([shown == await self.listed(key) for key, shown in self.pushed.items()])

        await until(agrees, 45)  # 3.2.0 asks for its subscriptions again 30 s after it has lost its member
        say(pushed=self.pushed)
        batch = [RegisterInstanceParam(service_name="batch", ip=f"10.2.0.{n}", port=80) for n in (1, 2, 3)]
        say(batch=await again(lambda: naming.batch_register_instances(
            BatchRegisterInstanceParam(service_name="batch", instances=batch))))
        say(batched=len(await self.listed("batch")))

    async def leave(self):
        say(left=await again(lambda: self.naming.register_instance(RegisterInstanceParam(service_name="left",
            group_name="teams", cluster_name="c1", ip="10.3.0.1", port=80, metadata=TIMES))))

        async def is_there():
            listed = await again(lambda: self.naming.list_instances(ListInstanceParam(service_name="left",
                group_name="teams", clusters=["c1"], subscribe=False, healthy_only=None)))
            return len(listed) == 1

        say(grouped=await until(is_there, 10))


async def begin():
    await main(await Client().open())


asyncio.run(begin())
"""
)
"""Python, `nacos-sdk-python` 2.x and 3.x: gRPC."""

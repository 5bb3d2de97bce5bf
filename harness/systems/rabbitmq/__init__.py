"""RabbitMQ: quorum queues, and classic ones with and without mirrors.

system.py starts the nodes and asks them; clients.py speaks AMQP by the package `aiormq` (the extra
`rabbitmq`).
"""

from harness.systems.rabbitmq.system import RabbitMQ

__all__ = ["RabbitMQ"]

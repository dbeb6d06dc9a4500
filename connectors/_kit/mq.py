"""Message middleware (AMQP 0-9-1, pika): requests go out confirmed, answers are taken from a queue of their own later.

A message counts as sent when the broker confirmed it and as read when we acknowledged it, after it was dealt with.
What cannot be read goes to the queue's dead letters at once; what we failed to deal with comes again, and goes there
after ``DELIVERIES`` tries. So a message may come twice: whoever acts takes each ``message_id`` once.
"""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Literal

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import (
    AMQPConnectionError,
    AMQPError,
    ChannelClosedByBroker,
    NackError,
    ProbableAuthenticationError,
    UnroutableError,
)

from connectors._kit.pace import wait_for_turn
from connectors._kit.settings import PartySettings
from engine.core.errors import OutsideFault, Unreachable

DELIVERIES = 5
MAX_BYTES = 4_000_000
DEAD = ".dead"


class Unreadable(Exception):
    """Raised by who deals with a message: it will never be readable, so it need not come again."""


@dataclass(frozen=True)
class Taken:
    """What one round did: dealt with, and put to the dead letters."""

    done: int
    dead: int


@dataclass
class Delivery:
    """A message in hand. Its reader says by ``fate`` what becomes of it: ``again`` offers it in a later round."""

    body: bytes = field(repr=False)
    fate: Literal["taken", "dead", "again"] = "taken"


@dataclass(frozen=True)
class Broker:
    """Where the party's queues are. The URL holds a password: ``amqps://user:password@host/vhost``."""

    settings: PartySettings
    url: str = field(repr=False)

    def declare(self, queue: str) -> None:
        """Make a durable queue with its dead letters, or see that it is there as we need it."""
        with self._channel() as channel:
            channel.queue_declare(queue + DEAD, durable=True)
            limits = {
                "x-queue-type": "quorum",
                "x-delivery-limit": DELIVERIES - 1,
                "x-dead-letter-exchange": "",
                "x-dead-letter-routing-key": queue + DEAD,
            }
            channel.queue_declare(queue, durable=True, arguments=limits)

    def remove(self, queue: str) -> None:
        """Delete a queue with its dead letters."""
        with self._channel() as channel:
            channel.queue_delete(queue)
            channel.queue_delete(queue + DEAD)

    def publish(self, queue: str, body: bytes, *, message_id: str, answers: str = "", reply_to: str = "") -> None:
        """Leave a message; returns when the broker keeps it on disk.

        Raises ``Unreachable``; ``OutsideFault``: ``no_queue``, ``unauthorised``.
        """
        if len(body) > MAX_BYTES:
            raise ValueError(f"a message of {len(body)} bytes is larger than agreed")
        wait_for_turn(self.settings)
        properties = pika.BasicProperties(
            content_type="application/json",
            delivery_mode=2,
            message_id=message_id,
            correlation_id=answers or None,
            reply_to=reply_to or None,
        )
        with self._channel() as channel:
            channel.confirm_delivery()
            channel.basic_publish("", queue, body, properties, mandatory=True)

    def messages(self, queue: str, most: int = 100) -> Generator[Delivery]:
        """What waits, in order; each is settled by its ``fate`` when the next is asked for. Raises as ``publish`` does.

        Whoever stops in between gets the last one again. Close it (``contextlib.closing``) where an error may pass.
        """
        with self._channel() as channel:
            later = []
            for _ in range(most):
                method, _properties, body = channel.basic_get(queue, auto_ack=False)
                if method is None or body is None:
                    break
                one = Delivery(body) if len(body) <= MAX_BYTES else Delivery(b"", "dead")
                try:
                    yield one
                except GeneratorExit:
                    channel.basic_nack(method.delivery_tag, requeue=True)
                    raise
                if one.fate == "taken":
                    channel.basic_ack(method.delivery_tag)
                elif one.fate == "dead":
                    channel.basic_reject(method.delivery_tag, requeue=False)
                else:
                    # Given back at the end: at once it would come at once, until it were a dead letter.
                    later.append(method.delivery_tag)
            for tag in later:
                channel.basic_nack(tag, requeue=True)

    def take(self, queue: str, deal: Callable[[bytes], None], most: int = 100) -> Taken:
        """Deal with what waits, in order, each acknowledged after ``deal`` returned.

        ``deal`` raises ``Unreadable`` where a message will never do. Anything else it raises gives the message back and
        passes through: what is behind it waits too. Raises as ``publish`` does.
        """
        fates: Counter[str] = Counter()
        with closing(self.messages(queue, most)) as waiting:
            for one in waiting:
                try:
                    if one.fate == "taken":
                        deal(one.body)
                except Unreadable:
                    one.fate = "dead"
                fates[one.fate] += 1
        return Taken(fates["taken"], fates["dead"])

    def waiting(self, queue: str) -> int:
        """How many messages wait in a queue."""
        with self._channel() as channel:
            return int(channel.queue_declare(queue, passive=True).method.message_count)

    @contextmanager
    def _channel(self) -> Iterator[BlockingChannel]:
        """A channel of a connection of its own: what pika raises becomes what a connector raises."""
        title = self.settings.title
        try:
            connection = pika.BlockingConnection(self._parameters())
            try:
                yield connection.channel()
            finally:
                if connection.is_open:
                    connection.close()
        except ProbableAuthenticationError:
            raise OutsideFault(f"「{title}」不认可我方的凭据，请管理员核对密钥", code="unauthorised") from None
        except UnroutableError:
            raise OutsideFault(f"「{title}」没有约定的队列，请管理员核对", code="no_queue") from None
        except ChannelClosedByBroker as error:
            code, words = {404: ("no_queue", "没有约定的队列"), 406: ("no_queue", "的队列与约定的不同")}.get(
                error.reply_code, ("unauthorised", "不允许使用该队列")
            )
            raise OutsideFault(f"「{title}」{words}，请管理员核对", code=code) from None
        except NackError:
            raise Unreachable(f"「{title}」的消息中间件没有收下消息") from None
        except (AMQPConnectionError, AMQPError, OSError):
            raise Unreachable(f"连不上「{title}」的消息中间件，或操作未完成") from None

    def _parameters(self) -> pika.URLParameters:
        try:
            found = pika.URLParameters(self.url)
        except (ValueError, TypeError):
            message = f"「{self.settings.title}」的消息中间件地址不能用，请管理员核对"
            raise OutsideFault(message, code="not_configured") from None
        seconds = self.settings.timeout
        found.socket_timeout = found.stack_timeout = found.blocked_connection_timeout = seconds
        found.connection_attempts = 1
        if found.ssl_options is not None:
            found.ssl_options = pika.SSLOptions(ssl.create_default_context(), found.host)
        return found

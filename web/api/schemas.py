"""What every schema of the API is made of: keys as decimal text, moments with a zone, every field always sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, post_dump, validate

TENANT = "<default>"
LARGEST = 2**63 - 1


def camel(name: str) -> str:
    """``process_instance_key`` → ``processInstanceKey``."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


class ApiSchema(Schema):
    """camelCase outside, snake_case inside; what we do not know is ignored; what we send is complete."""

    class Meta:
        unknown = EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        if field_obj.data_key is None:
            field_obj.data_key = camel(field_name)

    @post_dump
    def _complete(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        # A client stops for good at a required field that is missing.
        missing = {str(one.data_key) for one in self.dump_fields.values()} - set(data)
        if missing:
            raise RuntimeError(f"{type(self).__name__} was not given {sorted(missing)}")
        return data


class Key(fields.Field[int]):
    """A lasting number as decimal text; a JSON number is taken, too."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_: Any) -> str | None:
        return None if value is None or value == "" else str(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> int:
        return key_of(value)


def key_of(value: Any, largest: int = LARGEST) -> int:
    """The number of a key. Raises ``ValidationError``."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(text) > 25:
        raise ValidationError("应为十进制数字组成的键")
    # A key beyond our own range is well-formed and belongs to nothing.
    return int(text) if abs(int(text)) <= largest else -1


class Moment(fields.Field[datetime]):
    """ISO 8601 with a zone."""

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **_: Any) -> str | None:
        return None if value is None else moment_text(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> datetime:
        return moment_of(value)


def moment_text(value: datetime) -> str:
    """``2026-03-02T01:00:00.000Z``."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_of(value: Any) -> datetime:
    """A moment with its zone; without one it is UTC. Raises ``ValidationError``."""
    try:
        found = datetime.fromisoformat(str(value))
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return found.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValidationError("应为 ISO 8601 时间，如 2026-03-02T01:00:00Z") from error


class Int32(fields.Integer):
    """A whole number of 32 bits, as the convention types versions, priorities and retries."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(strict=True, validate=validate.Range(min=-(2**31), max=2**31 - 1), **kwargs)


class Variables(fields.Dict):
    """Process variables by name: any JSON."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(keys=fields.String(), values=fields.Raw(allow_none=True), **kwargs)


def text(longest: int = 200, **kwargs: Any) -> fields.String:
    """A text of limited length; ``allow_none`` for optional ones is the caller's choice."""
    return fields.String(validate=validate.Length(max=longest), **kwargs)


def tenant(**kwargs: Any) -> fields.String:
    """There is one tenant: offices are scopes of the actor, not tenants."""
    return fields.String(validate=validate.OneOf([TENANT, ""]), load_default=TENANT, allow_none=True, **kwargs)


class PageInfo(ApiSchema):
    """Where a page stands in the whole; cursors are base64, null for an empty page."""

    total_items = fields.Integer(required=True)
    has_more_total_items = fields.Boolean(required=True)
    start_cursor = fields.String(required=True, allow_none=True)
    end_cursor = fields.String(required=True, allow_none=True)

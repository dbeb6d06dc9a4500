"""Seal a document, and tell whether a file is a sealed document of ours.

pyHanko and WeasyPrint take a second to import; only who seals or verifies waits for them.
"""

from __future__ import annotations

from marshmallow import Schema, fields, validate

from engine.core.operations import Answer, Call, operation


class SignInputs(Schema):
    file_id = fields.String(required=True, validate=validate.Length(min=1), metadata={"title": "文件"})
    reason = fields.String(load_default="文书签发", validate=validate.Length(max=200), metadata={"title": "签章事由"})


class SignOutputs(Schema):
    signed_file_id = fields.String(required=True, metadata={"title": "已签章文件"})


@operation(
    "seal.sign",
    title="加盖电子签章",
    inputs=SignInputs,
    outputs=SignOutputs,
    party="seal",
    retries=3,
    purpose="签发文书",
)
def sign(call: Call) -> Answer:
    """A repeat makes another signed file of the same document; whoever keeps the first id sees no difference."""
    from connectors.seal import client

    if call.files is None:
        raise TypeError("seal.sign needs access to files")
    signed = client.sign(call.files.read(call.inputs["file_id"]), call.inputs["reason"])
    kept = call.files.write(signed, name="signed.pdf", media_type="application/pdf")
    return Answer({"signed_file_id": kept})


class VerifyInputs(Schema):
    """``content``: the bytes of the file."""

    content = fields.Raw(required=True, validate=lambda value: isinstance(value, bytes), metadata={"title": "文件内容"})


class VerifyOutputs(Schema):
    intact = fields.Boolean(required=True, metadata={"title": "未被改动"})
    valid = fields.Boolean(required=True, metadata={"title": "签章有效"})
    signer = fields.String(required=True, metadata={"title": "签章机构"})
    signed_at = fields.String(required=True, allow_none=True, metadata={"title": "签章时间"})


@operation("seal.verify", title="核验电子签章", inputs=VerifyInputs, outputs=VerifyOutputs, party="seal", retries=0)
def verify(call: Call) -> Answer:
    """For the public verification page, which runs it directly: ``find("seal.verify").run(call)``."""
    from connectors.seal.client import office_key
    from connectors.seal.verify import verify as verify_file

    return Answer(verify_file(call.inputs["content"], office_key()))

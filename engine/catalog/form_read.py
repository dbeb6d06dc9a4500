"""Reads a form-js schema into fields and says everything that is wrong with it in one go."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

from engine.catalog.form_feel import Expression, FeelError, is_feel, read
from engine.catalog.form_pattern import Pattern, PatternRefused, translate
from engine.catalog.form_tree import (
    KEYED,
    KNOWN,
    MAX_DEPTH,
    OPTIONS,
    PERSONAL,
    Field,
    as_mapping,
    plain_label,
    truth,
    whole,
)
from engine.core.errors import Fault

# form-js 1.23 EXPRESSION_PROPERTIES; those of what is only shown are read here to find a slip before a person does.
_FEEL_SHOWN = ("label", "description", "text", "source", "url", "alt", "title", "dataSource", "columnsExpression")
_FEEL_ASKED = ("readonly", "valuesExpression", "expression")
_LIMITS = ("min", "max", "minLength", "maxLength")
_SEGMENT = re.compile(r"[^\W\d]\w*")
_REFUSED = {
    "html": ("HTML 部件会被页面的安全策略拦截", "请改用文本部件（text）"),
    "iframe": ("内嵌网页会被页面的安全策略拦截", "请改为链接，写在文本部件里"),
    "filepicker": ("上传请用材料部件", "把类型改为 aj-file"),
}


class Findings:
    """Collects faults; ``text`` is the JSON itself, for line numbers, where it is at hand."""

    def __init__(self, file: str, text: str = "") -> None:
        self.file, self.text = file, text
        self.faults: list[Fault] = []

    def add(self, code: str, message: str, raw: Any = None, *, hint: str = "", level: str = "error") -> None:
        """Note one fault about a component (or about the form)."""
        part = as_mapping(raw)
        element = str(part.get("id") or part.get("key") or "")
        line = self.line_of(element) if element else 0
        self.faults.append(Fault(code, message, self.file, element, plain_label(part), line, hint, level))

    def line_of(self, element: str) -> int:
        """The line that names the id or key, 0 where the text is not at hand."""
        found = re.search(rf'"(?:id|key)"\s*:\s*"{re.escape(element)}"', self.text)
        return self.text.count("\n", 0, found.start()) + 1 if found else 0

    @property
    def errors(self) -> list[Fault]:
        return [fault for fault in self.faults if fault.level == "error"]


@dataclass(frozen=True)
class _Place:
    """Where the reader stands: path for people, steps inside the row, conditions of the groups around, depth."""

    path: str = ""
    steps: tuple[str, ...] = ()
    hides: tuple[Expression, ...] = ()
    depth: int = 1


class FormReader:
    """One pass over the components of one form."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings
        self.ids: set[str] = set()
        self.leaves: set[str] = set()
        self.inner: set[str] = set()

    def components(self, listed: Any, place: _Place) -> tuple[Field, ...]:
        """The fields under one container, groups dissolved."""
        if not isinstance(listed, Sequence) or isinstance(listed, str):
            self.findings.add("form_components", "缺少 components 列表", hint="请用表单编辑器重新保存")
            return ()
        if place.depth > MAX_DEPTH:
            self.findings.add("form_depth", f"分组和列表嵌套超过 {MAX_DEPTH} 层", hint="请减少嵌套")
            return ()
        found: list[Field] = []
        for raw in listed:
            found.extend(self.component(raw, place))
        return tuple(found)

    def component(self, raw: Any, place: _Place) -> tuple[Field, ...]:
        if not isinstance(raw, Mapping):
            self.findings.add("form_component", "components 里有不是对象的内容", hint="请用表单编辑器重新保存")
            return ()
        kind = str(raw.get("type"))
        self.claim_id(kind, raw)
        if not self.known(kind, raw):
            return ()
        place = replace(place, hides=place.hides + self.hide(raw))
        feel = self.expressions(raw)
        if kind == "group":
            return self.group(raw, place)
        if kind == "dynamiclist":
            return self.list_field(raw, place, feel)
        return (self.field(raw, place, feel),) if kind in KEYED else ()

    def claim_id(self, kind: str, raw: Mapping[str, Any]) -> None:
        identity = raw.get("id")
        if not isinstance(identity, str) or not identity:
            if kind in KEYED or kind == "dynamiclist":
                self.findings.add("form_field_id", "字段没有 id，出错信息会无处显示", raw, hint="请补上 id")
        elif identity in self.ids:
            self.findings.add("duplicate_id", f"id「{identity}」重复", raw, hint="请改成表单内唯一的 id")
        else:
            self.ids.add(identity)

    def known(self, kind: str, raw: Mapping[str, Any]) -> bool:
        if kind not in KNOWN:
            close = get_close_matches(kind, KNOWN, 1)
            hint = f"是否想写 {close[0]}" if close else "请用表单编辑器里的部件"
            self.findings.add("unknown_field_type", f"没有名为 {kind} 的表单部件", raw, hint=hint)
            return False
        if kind in _REFUSED:
            message, hint = _REFUSED[kind]
            self.findings.add("field_type_refused", message, raw, hint=hint)
        if kind == "image" and str(raw.get("source", "")).lower().startswith("data:"):
            message = "以 data: 写在表单里的图片会被页面的安全策略拦截"
            self.findings.add("field_type_refused", message, raw, hint="请改为本站图片的地址")
        if kind == "button":
            message = "页面自带提交按钮，表单里的按钮不会显示在操作栏"
            self.findings.add("form_button", message, raw, hint="请删去按钮部件", level="warning")
        return kind not in _REFUSED

    def group(self, raw: Mapping[str, Any], place: _Place) -> tuple[Field, ...]:
        steps = self.steps(raw, "path") if raw.get("path") else ()
        self.claim(place, steps, raw, leaf=False)
        path = ".".join(part for part in (place.path, *steps) if part)
        inner = replace(place, path=path, steps=place.steps + steps, depth=place.depth + 1)
        return self.components(raw.get("components"), inner)

    def list_field(self, raw: Mapping[str, Any], place: _Place, feel: Mapping[str, Expression]) -> tuple[Field, ...]:
        one = self.field(raw, place, feel)
        inner = _Place(path=f"{one.path}[]", depth=place.depth + 1)
        return (replace(one, rows=self.components(raw.get("components"), inner)),)

    def field(self, raw: Mapping[str, Any], place: _Place, feel: Mapping[str, Expression]) -> Field:
        kind = str(raw["type"])
        name = "path" if kind == "dynamiclist" else "key"
        steps = self.steps(raw, name)
        self.claim(place, steps, raw, leaf=True)
        properties = as_mapping(raw.get("properties"))
        validate = as_mapping(raw.get("validate"))
        self.check_settings(kind, raw, validate)
        return Field(
            id=str(raw.get("id") or ""),
            key=".".join(steps),
            path=".".join(part for part in (place.path, *steps) if part),
            type=kind,
            label=plain_label(raw),
            required=truth(validate.get("required")),
            personal=kind in PERSONAL or truth(properties.get("personal")),
            properties=properties,
            raw=raw,
            steps=place.steps + steps,
            hides=place.hides,
            feel=feel,
            pattern=self.pattern(raw, validate),
        )

    def steps(self, raw: Mapping[str, Any], name: str) -> tuple[str, ...]:
        """The dotted key or path of a component as steps."""
        text = raw.get(name)
        steps = tuple(text.split(".")) if isinstance(text, str) and text else ()
        if not steps:
            self.findings.add("form_key", f"字段没有 {name}，答案无处可存", raw, hint=f"请填写 {name}")
        elif not all(_SEGMENT.fullmatch(step) for step in steps):
            hint = "请用字母、汉字、数字和下划线，不以数字开头，层级用点隔开"
            self.findings.add("form_key", f"{name}「{text}」不合规则", raw, hint=hint)
        return steps

    def claim(self, place: _Place, steps: tuple[str, ...], raw: Any, *, leaf: bool) -> None:
        """form-js' rule: a value has one place, nothing lies inside a value, a value is nobody's folder."""
        whole_path = [*(place.path.split(".") if place.path else []), *steps]
        ways = [".".join(whole_path[: count + 1]) for count in range(len(whole_path))]
        if not steps:
            return
        folders = ways[:-1] if leaf else ways
        if (leaf and (ways[-1] in self.leaves or ways[-1] in self.inner)) or self.leaves.intersection(folders):
            self.findings.add("duplicate_key", f"「{ways[-1]}」与另一个字段重复或冲突", raw, hint="请改用别的 key")
            return
        self.inner.update(folders)
        if leaf:
            self.leaves.add(ways[-1])

    def hide(self, raw: Mapping[str, Any]) -> tuple[Expression, ...]:
        text = as_mapping(raw.get("conditional")).get("hide")
        if text in (None, ""):
            return ()
        if not is_feel(text):
            self.findings.add("form_feel", "隐藏条件要以 = 开头，否则不起作用", raw, hint=f"请写成 ={text}")
            return ()
        compiled = self.compiled(text, raw, "隐藏条件")
        return (compiled,) if compiled else ()

    def expressions(self, raw: Mapping[str, Any]) -> dict[str, Expression]:
        """The component's FEEL by property; what is only shown is read for its faults alone."""
        asked = {name: raw.get(name) for name in _FEEL_ASKED}
        asked |= {name: as_mapping(raw.get("validate")).get(name) for name in _LIMITS}
        if raw.get("type") == "aj-point":
            asked["fence"] = as_mapping(raw.get("properties")).get("fence")
        for name in _FEEL_SHOWN:
            if is_feel(raw.get(name)):
                self.compiled(raw[name], raw, name)
        for name in ("valuesExpression", "expression", "fence"):
            if asked.get(name) and not is_feel(asked[name]):
                self.findings.add("form_feel", f"{name} 要以 = 开头", raw, hint=f"请写成 ={asked[name]}")
        read_ones = {
            name: self.compiled(text, raw, name)
            for name, text in asked.items()
            if isinstance(text, str) and is_feel(text)
        }
        return {name: one for name, one in read_ones.items() if one is not None}

    def compiled(self, text: str, raw: Mapping[str, Any], where: str) -> Expression | None:
        try:
            return read(text)
        except FeelError as error:
            self.findings.add("form_feel", f"{where}：{error.message}", raw, hint=error.hint)
            return None

    def pattern(self, raw: Mapping[str, Any], validate: Mapping[str, Any]) -> Pattern | None:
        text = validate.get("pattern")
        if not isinstance(text, str) or not text:
            return None
        try:
            return translate(text)
        except PatternRefused as error:
            self.findings.add("form_pattern", f"正则表达式 {text}：{error}", raw, hint="请改写后再发布")
            return None

    def check_settings(self, kind: str, raw: Mapping[str, Any], validate: Mapping[str, Any]) -> None:
        """Numbers that are numbers, choices that can be chosen from."""
        for name in _LIMITS:
            self.check_number(validate.get(name), name, raw)
        if kind == "number":
            self.check_number(raw.get("increment"), "increment", raw)
            if raw.get("decimalDigits") is not None and whole(raw["decimalDigits"]) is None:
                self.findings.add("form_setting", "小数位数应为非负整数", raw, hint="请改正 decimalDigits")
        if kind == "aj-point" and truth(as_mapping(raw.get("properties")).get("personal")):
            self.findings.add("form_setting", "位置不能标为个人信息", raw, hint="请去掉 personal")
        if kind == "expression" and not raw.get("expression"):
            self.findings.add("form_setting", "计算字段没有表达式", raw, hint="请填写 expression")
        if kind in OPTIONS and not any(raw.get(name) for name in ("values", "valuesKey", "valuesExpression")):
            self.findings.add("form_setting", "没有可选的选项", raw, hint="请填写选项或选项的来源")
        if validate.get("validationType") == "phone":
            hint = "请改用电话部件 aj-phone"
            self.findings.add("form_phone", "form-js 的电话校验只认国际区号", raw, hint=hint, level="warning")

    def check_number(self, value: Any, name: str, raw: Mapping[str, Any]) -> None:
        if value is None or value == "" or is_feel(value):
            return
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or (name == "increment" and number <= 0):
            self.findings.add("form_setting", f"{name} 应为数字，现为 {value}", raw, hint="请改正后再发布")


def read_fields(schema: Mapping[str, Any], findings: Findings) -> tuple[Field, ...]:
    """All inputs of a form; what is wrong goes to ``findings``."""
    return FormReader(findings).components(schema.get("components"), _Place())

"""What a parameter is: its words, bounds, unit and scale, declared once with the field it describes.

A config is a frozen pydantic model whose fields are made by `param`. The form is built from
`params_of`, the worker receives the config itself, files are its JSON, and a refused value is
one sentence made by `Config.parse`.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import types
import typing
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, NamedTuple, Self

import annotated_types
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from optgui.core.registry import Entry


class Kind(enum.Enum):
    """What an editor must be able to edit."""

    FLOAT = "a number"
    INT = "a whole number"
    SWITCH = "true or false"
    CHOICE = "one of a few words"
    TEXT = "text"
    INTS = "a list of whole numbers"
    FLOATS = "a list of numbers"
    POINTS = "a list of points"
    ENTRY = "a registry entry and its own parameters"
    GROUP = "a group of parameters"
    LIST = "a list of groups"


@dataclasses.dataclass(frozen=True)
class Param:
    """One parameter as a form, a file or a sentence needs it."""

    name: str
    kind: Kind
    default: Any
    title: str
    help: str
    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False
    unit: str = ""
    scale: str = "linear"
    live: bool = False
    rare: bool = False
    slider: tuple[float, float] | None = None
    choices: tuple[tuple[str, str], ...] = ()  # (value, label)
    shown_when: tuple[str, tuple[Any, ...]] | None = None  # (sibling field, its values)
    length: int | None = None  # of a fixed tuple, or of each point of a list of points
    history: bool = False
    factors: tuple[float, ...] = ()  # a button each multiplies the number
    config: type[Config] | None = None  # of ENTRY, GROUP and LIST

    @property
    def expected(self) -> str:
        """What a value must be, in words: `a whole number from 1 to 60000`."""
        if self.kind is Kind.CHOICE:
            return "one of " + ", ".join(value for value, _ in self.choices)
        words = self.kind.value
        if self.kind is Kind.POINTS:
            words = f"a list of points of {self.length} numbers each"
        elif self.length is not None:
            words = words.replace("a list of", str(self.length))
        low, high = self.low, self.high
        if low is not None and high is not None and not (self.low_open or self.high_open):
            return f"{words} from {_plain(low)} to {_plain(high)}"
        bounds = []
        if low is not None:
            bounds.append(f"{'>' if self.low_open else '>='} {_plain(low)}")
        if high is not None:
            bounds.append(f"{'<' if self.high_open else '<='} {_plain(high)}")
        return " ".join([words, " and ".join(bounds)]).strip()


def param(
    default: Any,
    *,
    title: str,
    help: str,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    unit: str = "",
    scale: str = "linear",
    live: bool = False,
    rare: bool = False,
    slider: tuple[float, float] | None = None,
    choices: tuple[tuple[str, str], ...] = (),
    shown_when: tuple[str, tuple[Any, ...]] | None = None,
    history: bool = False,
    factors: tuple[float, ...] = (),
) -> Any:
    """Declare a field of a config together with everything a form must know of it.

    Args:
        default: the value of a config that does not name the field.
        title: the label.
        help: the tooltip, one or two short sentences.
        low: smallest value.
        high: largest value.
        above: lower bound that itself is refused.
        below: upper bound that itself is refused.
        unit: shown beside the number.
        scale: `linear` or `log`, of the slider.
        live: may change while a job runs.
        rare: folded away at first.
        slider: the range a slider spans, where the bounds are wider or missing.
        choices: `(value, label)` pairs.
        shown_when: `(sibling, values)` for which the row is shown.
        history: texts that were typed before are offered again.
        factors: by what a button each multiplies the number.
    """
    extra: dict[str, Any] = {
        "unit": unit,
        "scale": scale,
        "live": live,
        "rare": rare,
        "slider": slider,
        "choices": choices,
        "shown_when": shown_when,
        "history": history,
        "factors": factors,
    }
    numbers = isinstance(default, (int, float)) and not isinstance(default, bool)
    bounds: dict[str, Any] = {"ge": low, "le": high, "gt": above, "lt": below} if numbers else {}
    if isinstance(default, (int, float)):
        bounds["strict"] = True  # a file's "64" or true is no number
    if not numbers:
        extra["element_bounds"] = (low, high, above, below)
    return Field(
        default, title=title, description=help, validate_default=True, json_schema_extra=extra, **bounds
    )


@functools.cache
def params_of(config: type[BaseModel]) -> tuple[Param, ...]:
    """The parameters of a config in the order of its fields."""
    return tuple(_describe(name, field) for name, field in config.model_fields.items() if name != "name")


def _describe(name: str, field: FieldInfo) -> Param:
    extra = typing.cast("dict[str, Any]", field.json_schema_extra or {})
    kind, length, config = _kind(field.annotation, bool(extra.get("choices")))
    low, high, above, below = extra.get("element_bounds", (None, None, None, None))
    for rule in field.metadata:
        match rule:
            case annotated_types.Ge():
                low = rule.ge
            case annotated_types.Le():
                high = rule.le
            case annotated_types.Gt():
                above = rule.gt
            case annotated_types.Lt():
                below = rule.lt
    slider = extra.get("slider")
    return Param(
        name=name,
        kind=kind,
        default=field.get_default(call_default_factory=True),
        title=field.title or name,
        help=field.description or "",
        low=typing.cast("float | None", above if above is not None else low),
        high=typing.cast("float | None", below if below is not None else high),
        low_open=above is not None,
        high_open=below is not None,
        unit=extra.get("unit", ""),
        scale=extra.get("scale", "linear"),
        live=extra.get("live", False),
        rare=extra.get("rare", False),
        slider=tuple(slider) if slider else None,
        choices=tuple(extra.get("choices", ())),
        shown_when=extra.get("shown_when"),
        length=length,
        history=extra.get("history", False),
        factors=tuple(extra.get("factors", ())),
        config=config,
    )


def _kind(annotation: Any, has_choices: bool) -> tuple[Kind, int | None, type[Config] | None]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        inner = [a for a in typing.get_args(annotation) if a is not type(None)]
        return _kind(inner[0], has_choices)
    if has_choices:
        return Kind.CHOICE, None, None
    if typing.get_origin(annotation) is tuple:
        arguments = typing.get_args(annotation)
        length = None if arguments[-1] is Ellipsis else len(arguments)
        if typing.get_origin(arguments[0]) is tuple:
            return Kind.POINTS, len(typing.get_args(arguments[0])), None
        if isinstance(arguments[0], type) and issubclass(arguments[0], Config):
            return Kind.LIST, None, arguments[0]
        return (Kind.INTS if arguments[0] is int else Kind.FLOATS), length, None
    if isinstance(annotation, type) and issubclass(annotation, EntryConfig):
        return Kind.ENTRY, None, annotation
    if isinstance(annotation, type) and issubclass(annotation, Config):
        return Kind.GROUP, None, annotation
    plain = {float: Kind.FLOAT, int: Kind.INT, bool: Kind.SWITCH, str: Kind.TEXT}
    if annotation not in plain:
        raise TypeError(f"expected a number, switch, text, tuple or config as annotation, got {annotation!r}")
    return plain[annotation], None, None


class Config(BaseModel):
    """Base of every config: frozen, without NaN or infinity, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="after")
    def _check_choices_and_elements(self) -> Self:
        for spec in params_of(type(self)):
            value = getattr(self, spec.name)
            if spec.kind is Kind.CHOICE and value not in {choice for choice, _ in spec.choices}:
                raise field_error(spec.name, f"expected {spec.expected}, got {value!r}")
            items = [item for point in value for item in point] if spec.kind is Kind.POINTS else value
            lists = (Kind.INTS, Kind.FLOATS, Kind.POINTS)
            if spec.kind in lists and not all(_within(spec, item) for item in items):
                raise field_error(spec.name, f"expected {spec.expected}, got {list(value)}")
        return self

    @classmethod
    def parse(cls, data: Any) -> Self:
        """Validate `data` (a mapping, as read from JSON).

        Raises:
            ValueError: with one sentence that names the field, what was expected and what came.
        """
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise ValueError(explain(error, cls)) from None

    def changed(self, path: str, value: Any) -> Self:
        """A copy whose field at the dotted `path` (`optimizer.lr`, `racers.0.optimizer.lr`) is `value`.

        Raises:
            ValueError: if the value is refused.
        """
        data = self.model_dump(mode="json")
        *parents, last = path.split(".")
        place: Any = data
        for part in parents:
            place = place[int(part)] if isinstance(place, list) else place[part]
        place[last] = value
        return type(self).parse(data)

    def at(self, path: str) -> Any:
        """The value at a dotted path, the config itself at an empty one."""
        place: Any = self
        for part in path.split(".") if path else ():
            place = place[int(part)] if part.isdigit() else getattr(place, part)
        return place


class Change(NamedTuple):
    """One field in which two configs differ; `spec` is None for the name of an entry or a list's length.

    A running job can take it if it is `live`: by itself, or as part of a field that is.
    """

    path: str
    spec: Param | None
    old: Any
    new: Any
    live: bool


def changes(old: Config, new: Config, prefix: str = "", *, live: bool = False) -> Iterator[Change]:
    """Every field in which `new` differs from `old`, by dotted path; `live`: all within is."""
    if isinstance(old, EntryConfig) and isinstance(new, EntryConfig):
        if old.name != new.name:
            yield Change(f"{prefix}name", None, old.name, new.name, live)
            return
        specs = params_of(old.registry[old.name].params)
    else:
        specs = params_of(type(old))
    for spec in specs:
        before, after, path = getattr(old, spec.name), getattr(new, spec.name), f"{prefix}{spec.name}"
        free = live or spec.live
        if spec.kind in (Kind.ENTRY, Kind.GROUP):
            yield from changes(before, after, f"{path}.", live=free)
        elif spec.kind is Kind.LIST:
            if len(before) != len(after):
                yield Change(path, None, before, after, free)
                continue
            for index, (one, other) in enumerate(zip(before, after, strict=True)):
                yield from changes(one, other, f"{path}.{index}.", live=free)
        elif before != after:
            yield Change(path, spec, before, after, free)


def refuse_locked(old: Config, new: Config) -> None:
    """Let only live fields differ.

    Raises:
        ValueError: naming the first field that a running job cannot take.
    """
    for change in changes(old, new):
        if not change.live:
            raise ValueError(f"{change.path}: takes effect at the next start")


class EntryConfig(Config):
    """The name of a registry entry and the values of that entry's own parameters.

    The values arrive as further fields of the same mapping (`{"name": "SGD", "lr": 0.1}`); missing ones
    take the entry's defaults. A subclass sets `registry`, and may declare fields that every entry has.
    """

    model_config = ConfigDict(extra="allow")
    registry: ClassVar[Mapping[str, Entry]] = {}

    name: str

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        if isinstance(data, str):
            data = {"name": data}
        if not isinstance(data, Mapping):
            return data
        values = dict(data)
        name = values.pop("name", next(iter(cls.registry)))
        if not isinstance(name, str) or name not in cls.registry:
            raise field_error("name", f"expected one of {', '.join(cls.registry)}, got {name!r}")
        if refusal := cls.refusal(name):
            raise field_error("name", f"{name} cannot be used here: {refusal}")
        params = cls.registry[name].params
        try:
            checked = params.model_validate(values)
        except ValidationError as error:
            path, _, reason = explain(error, params).partition(": ")
            raise field_error(path, reason) from None
        return {"name": name, **dict(checked)}

    @classmethod
    def refusal(cls, name: str) -> str:
        """Why the entry `name` cannot be used here, or an empty string."""
        return ""

    @property
    def values(self) -> dict[str, Any]:
        """The entry's parameters by name."""
        return {spec.name: getattr(self, spec.name) for spec in params_of(self.registry[self.name].params)}


def explain(error: ValidationError, config: type[BaseModel]) -> str:
    """The first complaint of pydantic as `field: expected ..., got ...`."""
    first = error.errors(include_url=False)[0]
    loc = list(first["loc"])
    context = first.get("ctx", {})
    if first["type"] == "field":
        return f"{'.'.join(map(str, [*loc, context['path']]))}: {context['reason']}"
    if first["type"] == "missing" and loc and isinstance(loc[-1], int):
        loc.pop()  # a tuple that is too short: the tuple is what was wrong
    path = ".".join(map(str, loc))
    got = f"got {_short(first.get('input'))}"
    if first["type"] == "extra_forbidden":
        parent = _find(config, loc[:-1])
        names = ", ".join(getattr(parent, "model_fields", {})) or "no further field"
        return f"{path}: unknown field; expected {names}"
    if first["type"] == "value_error":
        reason = first["msg"].removeprefix("Value error, ")
        return f"{path}: {reason}" if path else reason
    found = _find(config, loc)
    if isinstance(found, Param):
        return f"{path}: expected {found.expected}, {got}"
    if first["type"] == "missing":
        return f"{path}: expected a value, got none"
    message = first["msg"][:1].lower() + first["msg"][1:]
    return f"{path}: {message}, {got}" if path else f"expected an object with named fields, {got}"


def _find(config: type[BaseModel] | None, loc: list[int | str]) -> Param | type[BaseModel] | None:
    """The parameter (or config) at a path, indices of lists and tuples passed over."""
    found: Param | type[BaseModel] | None = config
    for part in loc:
        if isinstance(part, int):
            continue
        model = found.config if isinstance(found, Param) else found
        if model is None:
            return None
        found = next((spec for spec in params_of(model) if spec.name == part), None)
    if (
        isinstance(found, Param)
        and found.kind in (Kind.GROUP, Kind.LIST)
        and loc
        and isinstance(loc[-1], int)
    ):
        return found.config
    return found


def _within(spec: Param, value: float) -> bool:
    above = spec.low is None or (value > spec.low if spec.low_open else value >= spec.low)
    below = spec.high is None or (value < spec.high if spec.high_open else value <= spec.high)
    return above and below


def field_error(path: str, reason: str) -> PydanticCustomError:
    """What a validator of a config raises about one of its fields: `path: reason`."""
    return PydanticCustomError("field", "{path}: {reason}", {"path": path, "reason": reason})


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else f"{number:g}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."

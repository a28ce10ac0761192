"""Every config and registry of the program, found by looking; and other valid values for any parameter."""

import functools
import importlib
import pkgutil

import optgui.core
from optgui.core.params import Config, EntryConfig, Kind, params_of
from optgui.core.registry import Registry


@functools.cache
def modules():
    names = [module.name for module in pkgutil.walk_packages(optgui.core.__path__, "optgui.core.")]
    return [importlib.import_module(name) for name in names]


@functools.cache
def registries():
    """Name in its module to registry."""
    return {
        name: value
        for module in modules()
        for name, value in vars(module).items()
        if isinstance(value, Registry) and name.isupper()
    }


@functools.cache
def top_configs():
    """The configs that a job is started with: `<Subject>Config` of each engine."""
    from optgui.core.attack import AttackConfig
    from optgui.core.surface import DescentConfig
    from optgui.core.training import DigitsConfig, TrainingConfig

    return (TrainingConfig, DescentConfig, AttackConfig, DigitsConfig)


@functools.cache
def chosen_entries():
    """(class, name) for every entry that an `EntryConfig` offers; those that torch refuses are left out."""
    modules()
    classes, queue = [], [EntryConfig]
    while queue:
        found = queue.pop()
        queue += found.__subclasses__()
        if found.registry and found.__module__.startswith("optgui."):
            classes.append(found)
    return [(cls, name) for cls in classes for name in cls.registry if not cls.refusal(name)]


@functools.cache
def every_config():
    """A config with its defaults for each top-level config and each entry, by a readable name."""
    configs = {cls.__name__: cls.parse({}) for cls in top_configs()}
    configs |= {f"{cls.__name__}-{name}": cls.parse({"name": name}) for cls, name in chosen_entries()}
    return configs


def leaves(config, prefix=""):
    """(dotted path, spec, value) of every number, switch, word and list in a config."""
    owner = config.registry[config.name].params if isinstance(config, EntryConfig) else type(config)
    for spec in params_of(owner):
        value, path = getattr(config, spec.name), f"{prefix}{spec.name}"
        if spec.kind in (Kind.ENTRY, Kind.GROUP):
            yield from leaves(value, f"{path}.")
        elif spec.kind is Kind.LIST:
            for index, item in enumerate(value):
                yield from leaves(item, f"{path}.{index}.")
        else:
            yield path, spec, value


def another(spec, value):
    """A valid value of a parameter that is not `value`."""
    match spec.kind:
        case Kind.SWITCH:
            return not value
        case Kind.CHOICE:
            return next(choice for choice, _ in spec.choices if choice != value)
        case Kind.TEXT:
            return f"{value} + 1"
        case Kind.INTS:
            return tuple(item + 1 for item in value) or (spec.low or 1,)
        case Kind.FLOATS:
            return tuple(another_number(spec, item, whole=False) for item in value)
        case Kind.POINTS:
            return value[1:] + value[:1]  # in another order, since the last number may be a label
        case Kind.INT | Kind.FLOAT:
            return another_number(spec, value, whole=spec.kind is Kind.INT)
    raise AssertionError(spec)


def another_number(spec, value, *, whole):
    candidates = [value + 1, value + 2, value - 1] if whole else [value * 0.5, value + 0.25, value - 0.25]
    return next(number for number in candidates if number != value and is_within(spec, number))


def is_within(spec, number):
    low = spec.low is None or (number > spec.low if spec.low_open else number >= spec.low)
    high = spec.high is None or (number < spec.high if spec.high_open else number <= spec.high)
    return low and high


def flat_specs(config: type[Config]):
    """The parameters of a config class that one editor edits."""
    return [spec for spec in params_of(config) if spec.kind not in (Kind.ENTRY, Kind.GROUP, Kind.LIST)]

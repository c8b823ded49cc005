"""Model state as canonical bytes, without pickle: encode, decode, digest, and building models from recipes."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.codec.builder import build as build, build_pipeline as build_pipeline
    from penstock.codec.checks import check_deterministic as check_deterministic, finite as finite
    from penstock.codec.declared import check_declared as check_declared, decode_as as decode_as
    from penstock.codec.decoder import decode as decode
    from penstock.codec.encoder import encode as encode
    from penstock.codec.errors import (
        Malformed as Malformed,
        NotAllowed as NotAllowed,
        NotDeclared as NotDeclared,
        RecipeError as RecipeError,
        StateError as StateError,
        TooLarge as TooLarge,
        WrongVersion as WrongVersion,
    )
    from penstock.codec.fingerprint import digest as digest, runtime as runtime
    from penstock.codec.recipes import Recipe as Recipe, check_preprocess as check_preprocess, check_recipe as check_recipe
    from penstock.codec.wire import Limits as Limits

_HOMES = {
    "build": "builder",
    "build_pipeline": "builder",
    "check_deterministic": "checks",
    "finite": "checks",
    "check_declared": "declared",
    "decode_as": "declared",
    "decode": "decoder",
    "encode": "encoder",
    "Malformed": "errors",
    "NotAllowed": "errors",
    "NotDeclared": "errors",
    "RecipeError": "errors",
    "StateError": "errors",
    "TooLarge": "errors",
    "WrongVersion": "errors",
    "digest": "fingerprint",
    "runtime": "fingerprint",
    "Recipe": "recipes",
    "check_preprocess": "recipes",
    "check_recipe": "recipes",
    "Limits": "wire",
}


def __getattr__(name: str) -> Any:
    """River takes 0.6 s and 100 MB to import: only what needs it loads it, so that a spec is checked without."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)

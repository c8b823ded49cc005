"""Learners' bytes as they come in: they must be what the recipe of one of the model's versions makes."""

import json
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Protocol

from penstock import codec
from penstock.fold.protocol import Missing, Poison
from penstock.fold.setup import Resolve
from penstock.learning import seed_of
from penstock.patience import as_weather
from penstock.rpc.registry.v1 import registry_pb2 as pb

LIMITS = codec.Limits(decode_s_max=30.0)


class Versions(Protocol):
    """The part of the registry that is asked."""

    async def versions(self, model: str) -> list[pb.Version]:
        """Every version of a model, oldest first, with its newest checkpoint."""
        ...


async def resolve(fetch: Resolve, registry: Versions, blobs: MutableMapping[str, bytes], model: str, log: Any, missing: Missing) -> None:
    """Bring what a step misses, and keep a learner's bytes only if they are declared. Those of another River are kept too: the fold
    sees that it cannot read them, and the questions go on without an answer.

    Raises: Poison for bytes that no declared recipe makes; what `fetch` raises; Weather.
    """
    await fetch(missing)
    if missing.kind != "blob":
        return
    blob = blobs.pop(missing.reference)
    with as_weather(f"the versions of {model} cannot be asked for"):
        versions = await registry.versions(model)
    try:
        check(blob, model, versions)  # as long as the fold takes for it, in the step after this one
    except codec.WrongVersion as error:
        log.error("checkpoint_refused", model=model, digest=missing.reference, reason=str(error), cure=f"penstock rebuild {model}")
    blobs[missing.reference] = blob


def check(blob: bytes, model: str, versions: Sequence[pb.Version]) -> None:
    """Refuse bytes that are no learner, or one with other parameters than every version of this model, the newest first.

    Raises: Poison; WrongVersion for what another River has written.
    """
    refusals = []
    try:
        learner = codec.decode(blob, LIMITS)
        for version in reversed(versions):
            refusal = _refusal(learner, json.loads(version.newest.recipe), seed_of(model, version.version))
            if refusal is None:
                return
            refusals.append(refusal)
    except codec.WrongVersion:
        raise
    except codec.StateError as error:
        raise Poison("undecodable_model", str(error)) from error
    raise Poison("undeclared_model", f"no recipe of {model} makes these bytes: {refusals[0] if refusals else 'it has no version'}")


def _refusal(learner: Any, recipe: Mapping[str, Any], seed: int) -> codec.NotDeclared | None:
    try:
        codec.check_declared(learner, codec.build_pipeline(recipe["preprocess"], recipe["learner"], seed))
    except codec.NotDeclared as error:
        return error
    return None

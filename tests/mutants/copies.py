"""A copy of the tree in a scratch folder, to be broken and mended again."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from penstock.errors import PenstockError
from tests.mutants.patches import Mutant

ROOT = Path(__file__).parents[2]
NOT_INHERITED = {"PENSTOCK_BOOTSTRAP", "PENSTOCK_DSN", "PYTHONDONTWRITEBYTECODE"}  # compiled modules save seconds for each mutant
SERVICES = ("ingestion", "feature_store", "trainer", "registry", "deployer", "monitor")


class DoesNotApply(PenstockError):
    """A patch does not fit the code that there is."""


class WrongCode(PenstockError):
    """The tests would run other code than the copy's."""


class Copy:
    """The files that git knows, or would know, as they are now; nothing that it ignores."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.tree = folder / "tree"
        self.tree.mkdir(parents=True)
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
        )
        for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
            if (ROOT / name).is_file():
                (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.tree / name)

    @property
    def environment(self) -> Mapping[str, str]:
        """What makes Python import this copy, whatever is installed."""
        path = [self.tree / "libs", *(self.tree / "services" / name for name in SERVICES), self.tree]
        ours = {"PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONHASHSEED": "0", "HYPOTHESIS_PROFILE": "unshrunk"}
        return {name: value for name, value in os.environ.items() if name not in NOT_INHERITED} | ours

    def check_imports(self) -> None:
        """Raises: WrongCode unless Python takes our packages from the copy."""
        names = ["penstock", *(f"penstock_{name}" for name in SERVICES), "tests.mutants.recorder"]
        command = f"import importlib; print(*(importlib.import_module(name).__file__ for name in {names}), sep='\\n')"
        asked = subprocess.run(
            [sys.executable, "-c", command], cwd=self.tree, env=self.environment, stdout=subprocess.PIPE, text=True, check=True
        )
        if foreign := [file for file in asked.stdout.splitlines() if not Path(file).is_relative_to(self.tree)]:
            raise WrongCode(f"{', '.join(foreign)} is imported instead of the copy in {self.tree}. Take it out of the path")

    @contextmanager
    def broken_by(self, mutant: Mutant) -> Iterator[None]:
        """Apply the patch, and take it back afterwards. Raises: DoesNotApply."""
        self._git_apply(mutant)
        try:
            self._forget_compiled(mutant)
            yield
        finally:
            self._git_apply(mutant, "--reverse")
            self._forget_compiled(mutant)

    def _git_apply(self, mutant: Mutant, *options: str) -> None:
        # A repository around the scratch folder would make git look for the files there.
        environment = os.environ | {"GIT_CEILING_DIRECTORIES": str(self.folder)}
        done = subprocess.run(
            ["git", "apply", *options, str(mutant.path)], cwd=self.tree, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise DoesNotApply(done.stderr.strip())

    def _forget_compiled(self, mutant: Mutant) -> None:
        """A compiled module counts as current when second and size are those of its source: two edits in one second may look alike."""
        for name in mutant.changed:
            source = self.tree / name
            for compiled in (source.parent / "__pycache__").glob(f"{source.stem}.*.pyc"):
                compiled.unlink()

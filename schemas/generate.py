"""Generates what the contracts in this folder imply: record types, gRPC stubs and the page of events. `--check` compares instead."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
AVRO = ROOT / "schemas" / "avro"
PROTO = ROOT / "schemas" / "proto" / "penstock"
PRIMITIVES = {"string": "str", "long": "int", "int": "int", "double": "float", "boolean": "bool", "bytes": "bytes", "null": "None"}


def main() -> int:
    """Write the products, or with --check say which differ; exit status 1 if any does."""
    products = {Path("libs/penstock/records/generated.py"): records_module(), Path("docs/events.md"): events_page(), **stubs()}
    if "--check" in sys.argv:
        stale = [path for path, text in products.items() if not (ROOT / path).exists() or (ROOT / path).read_text() != text]
        print("\n".join(f"{path}: not what schemas/ says. Try: make generate" for path in stale) or "generated code is up to date")
        return bool(stale)
    for path, text in products.items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)
    return 0


def schemas() -> dict[str, Any]:
    """Every .avsc by its record name, each after those it refers to."""
    loaded = {schema["name"]: schema for schema in (json.loads(path.read_text()) for path in sorted(AVRO.glob("*.avsc")))}
    ordered: dict[str, Any] = {}

    def place(name: str) -> None:
        if name in ordered:
            return
        for other in loaded:
            if other != name and f'"penstock.{other}"' in json.dumps(loaded[name]):
                place(other)
        ordered[name] = loaded[name]

    for name in loaded:
        place(name)
    return ordered


def python_type(schema: Any) -> str:
    """The Python type of an Avro type."""
    match schema:
        case str() if schema in PRIMITIVES:
            return PRIMITIVES[schema]
        case str():
            return schema.removeprefix("penstock.")
        case list():
            return " | ".join(sorted((python_type(branch) for branch in schema), key=lambda name: name == "None"))
        case {"type": "array", "items": items}:
            return f"list[{python_type(items)}]"
        case {"type": "map", "values": values}:
            return f"dict[str, {python_type(values)}]"
        case {"type": "enum", "symbols": symbols}:
            return f"Literal[{', '.join(json.dumps(symbol) for symbol in symbols)}]"
    raise ValueError(f"no Python type for {schema!r}")


def records_module() -> str:
    """The TypedDicts and the schemas themselves as one Python module."""
    parts = [
        '"""The platform\'s records. Generated from schemas/avro by `make generate`; do not edit."""\n',
        "# fmt: off\n# ruff: noqa: E501\n",
        "from typing import Any, Literal, TypedDict\n",
        "Features = dict[str, float | int | str | bool | None]",
        '"""The features of one event by name; their schema is the model\'s own."""\n',
    ]
    for name, schema in schemas().items():
        if name == "Features":
            continue
        lines = [f"\nclass {name}(TypedDict):", f'    """{schema["doc"]}"""\n']
        for field in schema["fields"]:
            lines += [f"    {field['name']}: {python_type(field['type'])}", f'    """{field["doc"]}"""']
        parts.append("\n".join(lines) + "\n")
    parts.append("\nSCHEMAS: dict[str, dict[str, Any]] = {")
    parts += [f"    {json.dumps(name)}: {schema!r}," for name, schema in schemas().items()]
    return "\n".join(parts) + "\n}\n"


def events_page() -> str:
    """docs/events.md: every record type with its fields."""
    parts = [
        "# Events\n\nThe records of the platform, generated from `schemas/avro` by `make generate`. On the wire each is `0x00`, "
        "the schema id (int32, big-endian), then Avro. The schemas of streams, features and predictions are made from the specification.\n"
    ]
    for name, schema in schemas().items():
        parts.append(f"## {name}\n\n{schema['doc']}\n")
        if schema["fields"]:
            parts.append("| field | type | meaning |\n|---|---|---|")
            parts += [
                f"| `{field['name']}` | `{python_type(field['type']).replace('|', chr(92) + '|')}` | {field['doc']} |"
                for field in schema["fields"]
            ]
            parts.append("")
    return "\n".join(parts)


def stubs() -> dict[Path, str]:
    """The gRPC modules and their types, made in a throw-away environment (gencode of 1.76 runs under protobuf 6 and 7)."""
    python = ROOT / ".venv-generate" / "bin" / "python"
    if not python.exists():
        uv = ROOT / ".venv" / "bin" / "uv"
        subprocess.run([uv, "venv", "-q", python.parent.parent], check=True)
        tools = ["grpcio-tools==1.76.0", "mypy-protobuf==5.1.0", "setuptools<81"]
        subprocess.run([uv, "pip", "install", "-q", "--python", python, *tools], check=True)
    with tempfile.TemporaryDirectory() as folder:
        plugins = [f"--plugin=protoc-gen-{name}={python.parent}/protoc-gen-{name}" for name in ("mypy", "mypy_grpc")]
        outputs = [f"--{kind}_out={folder}" for kind in ("python", "grpc_python", "mypy", "mypy_grpc")]
        files = [f"penstock/rpc/{path.relative_to(PROTO)}" for path in sorted(PROTO.rglob("*.proto"))]
        command: list[Path | str] = [python, "-m", "grpc_tools.protoc", "-I", f"penstock/rpc={PROTO}", *outputs, *plugins, *files]
        subprocess.run(command, check=True, capture_output=True)
        made = [path for path in Path(folder).rglob("*") if path.is_file()]
        return {Path("libs") / path.relative_to(folder): path.read_text() for path in sorted(made)}


if __name__ == "__main__":
    sys.exit(main())

"""The conformance of the state codec: its cases, its matrix, its hostile corpus and its fuzzing."""

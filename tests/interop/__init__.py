"""Stock clients in their own languages against a running stack: one folder each, with one command."""

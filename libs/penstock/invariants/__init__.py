"""The invariants of design §13 as small pure checkers: fed with records in log order, each ends in a finding. Begin with flow.py."""

"""Who listens on a port, from the kernel's table."""

from penstock.local.ports import listening_inodes

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0
   1: 0100007F:1F90 0100007F:C001 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0
   2: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0
"""


def test_only_listeners_of_the_port_count() -> None:
    assert listening_inodes(TABLE, 8080) == {"4711"}
    assert listening_inodes(TABLE, 9) == set()

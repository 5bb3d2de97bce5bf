"""Orders that the replies' own Raft indices propose: `witness` by index alone, `placement` reads by fit."""

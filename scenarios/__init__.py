"""Scenarios as data: policies and futures in TOML files, their levers, their costs.

`library.names`, `reading.load_policy` and `load_future`, `composition.compose`, `translation.levers_of`,
`zone_path.replay_zones`, `costs.yearly_costs`. Nothing is imported here: `qyzyljar --help` must start at once.
"""

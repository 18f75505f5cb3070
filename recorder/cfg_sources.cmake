# What a recording is told, and what it reads about the host.
set(KYMO_CFG_SOURCES
  config_yaml.c
  host_facts.c
  host_files.c
  kernel_map.c
  kernel_symbols.c
  maps_parse.c
  option_values.c
  options.c
  perf_record.c
  process_scan.c
  sideband.c
  units.c)

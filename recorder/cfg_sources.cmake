# What a recording is told, and what it reads about the host.
set(KYMO_CFG_SOURCES
  config_file.c
  config_yaml.c
  option_show.c
  option_text.c
  option_values.c
  options.c
  units.c)

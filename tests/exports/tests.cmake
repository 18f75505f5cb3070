# -------- exports/: each export is opened by the program that it is for, and totals are compared to the sample --------
foreach(name pprof speedscope firefox perfetto text tables)
  kymo_test(NAME exports/${name} LABEL exports COMMAND ${PYTHON3} ${TESTS}/exports/export_${name}.py)
endforeach()

# -------- walk/: how often a report reads the capture: decompressed bytes are counted in a kymo whose decompression is wrapped --------
add_executable(kymo_counting walk/count_decoded.c ${CMAKE_SOURCE_DIR}/analyzer/kymo_main.c)
target_link_libraries(kymo_counting PRIVATE kymo_analyzer)
target_link_options(kymo_counting PRIVATE -Wl,--wrap=cap_decompress)
set_target_properties(kymo_counting PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/walk)
kymo_test(NAME cli/walk LABEL cli TIMEOUT 120
          COMMAND ${PYTHON3} ${TESTS}/walk/walk_check.py $<TARGET_FILE:kymo_counting> ${CMAKE_SOURCE_DIR}/analyzer/reports/reports.def)

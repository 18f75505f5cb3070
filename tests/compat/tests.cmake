# -------- compat/: what old and new readers and writers owe each other --------
add_executable(make_golden compat/make_golden.c)
target_link_libraries(make_golden PRIVATE unit_support)
set_target_properties(make_golden PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/compat)
add_executable(kymo_server compat/kymo_server.c)
target_link_libraries(kymo_server PRIVATE kymo_analyzer)
set_target_properties(kymo_server PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/compat)
kymo_test(NAME compat/golden LABEL compat COMMAND /usr/bin/python3 ${TESTS}/compat/golden_captures.py)

# What a capture lacks must stand in every output: captures that lack something, every command and format
add_executable(make_marked marks/make_marked.c)
target_link_libraries(make_marked PRIVATE kymo_formats)
set_target_properties(make_marked PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/marks)
kymo_test(NAME marks/all LABEL marks COMMAND ${PYTHON3} ${TESTS}/marks/marks.py)

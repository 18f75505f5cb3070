# Names that try to break out of where they are shown, in every place for text of a capture, through every output
add_executable(make_hostile hostile/make_hostile.c)
target_link_libraries(make_hostile PRIVATE kymo_formats)
set_target_properties(make_hostile PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/hostile)
kymo_test(NAME hostile/names LABEL hostile TIMEOUT 300 COMMAND /usr/bin/python3 ${TESTS}/hostile/hostile_names.py)
kymo_test(NAME hostile/letters LABEL hostile COMMAND ${PYTHON3} ${TESTS}/hostile/letters.py)
kymo_test(NAME hostile/database LABEL hostile COMMAND /usr/bin/python3 ${TESTS}/hostile/hostile_database.py)
kymo_test(NAME hostile/browser LABEL hostile COMMAND /usr/bin/python3 ${TESTS}/hostile/hostile_browser.py)
kymo_test(NAME hostile/strace LABEL hostile COMMAND /usr/bin/python3 ${TESTS}/hostile/hostile_strace.py)

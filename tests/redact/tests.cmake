# -------- redact/: nothing private is left, and all numbers are --------
add_executable(make_canaries redact/make_canaries.c)
target_link_libraries(make_canaries PRIVATE kymo_formats)
set_target_properties(make_canaries PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/redact)
kymo_test(NAME redact/canaries LABEL redact COMMAND ${PYTHON3} ${TESTS}/redact/canaries.py)
kymo_test(NAME redact/same-numbers LABEL redact TIMEOUT 1800 COMMAND ${PYTHON3} ${TESTS}/redact/same_numbers.py)
kymo_test(NAME redact/public-words LABEL redact COMMAND ${PYTHON3} ${TESTS}/redact/public_words.py)
kymo_test(NAME redact/cut-reports LABEL redact COMMAND ${PYTHON3} ${TESTS}/redact/cut_reports.py)
kymo_test(NAME redact/bundles LABEL redact COMMAND ${PYTHON3} ${TESTS}/redact/bundles.py)

# -------- cross/: another machine than this one --------
if(NOT KYMO_SANITIZE AND NOT CMAKE_CROSSCOMPILING AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  kymo_test(NAME cross/aarch64 LABEL cross TIMEOUT 1800 COMMAND bash ${TESTS}/cross/run.sh --build ${CMAKE_BINARY_DIR}/cross)
  set_property(TEST cross/aarch64 APPEND PROPERTY LABELS long)
endif()

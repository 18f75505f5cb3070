# -------- kernels/: another kernel than this machine's; the quick form of kernels/run.sh --------
if(NOT KYMO_SANITIZE AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  kymo_test(NAME kernels/bookworm LABEL kernels
            COMMAND bash ${TESTS}/kernels/run.sh --build ${CMAKE_BINARY_DIR}/kernels --release ${CMAKE_BINARY_DIR}/release bookworm)
  foreach(suite bullseye bookworm-backports sid) # one at a time: they share what is built
    kymo_test(NAME kernels/${suite} LABEL kernels
              COMMAND bash ${TESTS}/kernels/run.sh --build ${CMAKE_BINARY_DIR}/kernels --release ${CMAKE_BINARY_DIR}/release ${suite})
    set_property(TEST kernels/${suite} APPEND PROPERTY LABELS long)
    set_property(TEST kernels/${suite} PROPERTY RESOURCE_LOCK kernels)
  endforeach()
  set_property(TEST kernels/bookworm PROPERTY RESOURCE_LOCK kernels)
endif()

# -------- kernels/: another kernel than this machine's; the quick form of kernels/run.sh --------
if(NOT KYMO_SANITIZE AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  kymo_test(NAME kernels/bookworm LABEL kernels TIMEOUT 900
            COMMAND bash ${TESTS}/kernels/run.sh --build ${CMAKE_BINARY_DIR}/kernels --release ${CMAKE_BINARY_DIR}/release bookworm)
endif()

# -------- static/: what is released --------
if(NOT KYMO_SANITIZE AND NOT CMAKE_CROSSCOMPILING)
  kymo_test(NAME static/empty-root LABEL static COMMAND bash ${TESTS}/static/empty_root.sh --build ${CMAKE_BINARY_DIR}/release)
  set_property(TEST static/empty-root PROPERTY RESOURCE_LOCK recorder)
  kymo_test(NAME static/left-out LABEL static COMMAND bash ${TESTS}/static/left_out.sh --build ${CMAKE_BINARY_DIR}/release)
  kymo_test(NAME static/archive LABEL static COMMAND bash ${TESTS}/static/archive.sh --build ${CMAKE_BINARY_DIR}/release)
  kymo_test(NAME static/same-bytes LABEL long COMMAND bash ${TESTS}/static/archive.sh --build ${CMAKE_BINARY_DIR}/release-twice --twice)
endif()

# -------- alloc/: the k-th allocation fails, in every command; not in sanitized builds, whose allocator it would replace --------
if(NOT KYMO_SANITIZE)
  add_library(failing_alloc MODULE alloc/failing_alloc.c)
  target_compile_options(failing_alloc PRIVATE -fno-builtin -Wno-missing-prototypes)
  target_link_libraries(failing_alloc PRIVATE ${CMAKE_DL_LIBS})
  set_target_properties(failing_alloc PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/alloc)
  kymo_test(NAME alloc/failing LABEL alloc COMMAND ${PYTHON3} ${TESTS}/alloc/alloc_check.py)
endif()

# -------- live/: records this machine; the shims are preloaded into recorders --------
foreach(shim watched_write refused_calls hanging_calls)
  add_library(${shim} MODULE live/${shim}.c)
  target_link_libraries(${shim} PRIVATE ${CMAKE_DL_LIBS})
  set_target_properties(${shim} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/live)
endforeach()
add_executable(known_calls live/known_calls.c)
target_link_libraries(known_calls PRIVATE Threads::Threads)
set_target_properties(known_calls PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/live)

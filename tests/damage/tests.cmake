# -------- damage/: what a capture withstands, and what a hostile one costs --------
add_executable(damage_check damage/damage_check.c damage/damage_kit.c damage/file_k.c)
target_link_libraries(damage_check PRIVATE unit_support)
set_target_properties(damage_check PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/damage)
foreach(id W3 W4 W5 W6)
  kymo_test(NAME damage/${id} LABEL damage COMMAND damage_check ${id})
endforeach()
add_executable(hostile_check damage/hostile_check.c damage/hostile_read.c damage/bombs.c damage/costly.c damage/field_values.c
                             damage/raw_capture.c damage/damage_kit.c damage/file_k.c)
target_link_libraries(hostile_check PRIVATE kymo_analyzer unit_support)
set_target_properties(hostile_check PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/damage)
foreach(id S4 S5)
  kymo_test(NAME damage/${id} LABEL damage COMMAND hostile_check ${id})
endforeach()
set_property(TEST damage/S4 damage/S5 APPEND PROPERTY LABELS sanitized) # what they look for only a sanitizer sees for sure
if(TARGET kymo_analyzer AND NOT KYMO_SANITIZE AND NOT CMAKE_CROSSCOMPILING) # a sanitizer has costs of its own
  # The same libraries once more, counting their own work: what is asserted of it holds on a busy machine too.
  set(KYMO_COUNT_WORK -fsanitize-coverage=trace-pc)
  function(kymo_counted_library target)
    get_target_property(sources ${target} SOURCES)
    get_target_property(folder ${target} SOURCE_DIR)
    list(TRANSFORM sources PREPEND ${folder}/ REGEX "^[^/]")
    add_library(${target}_counted STATIC EXCLUDE_FROM_ALL ${sources})
    add_dependencies(${target}_counted ${target}) # its generated sources
    target_include_directories(${target}_counted PUBLIC $<TARGET_PROPERTY:${target},INCLUDE_DIRECTORIES>)
    target_compile_options(${target}_counted PRIVATE ${KYMO_COUNT_WORK}
                           $<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>) # it cannot follow what the counters do to the flow
  endfunction()
  kymo_counted_library(kymo_formats)
  kymo_counted_library(kymo_analyzer)
  add_executable(flooding_check damage/flooding.c damage/work_count.c damage/damage_kit.c damage/file_k.c)
  set_source_files_properties(damage/flooding.c PROPERTIES COMPILE_OPTIONS ${KYMO_COUNT_WORK}) # tables with inline functions
  target_include_directories(flooding_check PRIVATE ${TESTS}/unit)
  target_link_libraries(flooding_check PRIVATE kymo_analyzer_counted kymo_formats_counted
                        unit_support kymo_analyzer) # of the last nothing but the libraries it links
  set_target_properties(flooding_check PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/damage)
  kymo_test(NAME damage/S6 LABEL damage COMMAND flooding_check S6)
  add_executable(kymo_counted ${CMAKE_SOURCE_DIR}/analyzer/kymo_main.c damage/work_count.c)
  target_link_libraries(kymo_counted PRIVATE kymo_analyzer_counted kymo_formats_counted kymo_analyzer)
  set_target_properties(kymo_counted PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/damage)
  kymo_test(NAME damage/S3 LABEL damage COMMAND ${PYTHON3} ${TESTS}/damage/hostile_cost.py)
endif()
kymo_test(NAME damage/counted LABEL damage COMMAND /usr/bin/python3 ${TESTS}/damage/counted_damage.py)

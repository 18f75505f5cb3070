# -------- damage/: what a capture withstands, and what a hostile one costs --------
add_executable(damage_check damage/damage_check.c damage/damage_kit.c damage/file_k.c)
target_link_libraries(damage_check PRIVATE unit_support)
set_target_properties(damage_check PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/damage)
foreach(id W3 W4 W5 W6)
  kymo_test(NAME damage/${id} LABEL damage COMMAND damage_check ${id})
endforeach()
add_executable(hostile_check damage/hostile_check.c damage/hostile_read.c damage/bombs.c damage/costly.c damage/field_values.c damage/flooding.c
                             damage/raw_capture.c damage/damage_kit.c damage/file_k.c)
target_link_libraries(hostile_check PRIVATE kymo_analyzer unit_support)
set_target_properties(hostile_check PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/damage)
foreach(id S4 S5 S6)
  kymo_test(NAME damage/${id} LABEL damage COMMAND hostile_check ${id})
endforeach()
set_property(TEST damage/S4 damage/S5 APPEND PROPERTY LABELS sanitized) # what they look for only a sanitizer sees for sure
if(NOT KYMO_SANITIZE) # a sanitizer has costs of its own
  kymo_test(NAME damage/S3 LABEL damage TIMEOUT 300 COMMAND ${PYTHON3} ${TESTS}/damage/hostile_cost.py)
endif()
kymo_test(NAME damage/counted LABEL damage COMMAND /usr/bin/python3 ${TESTS}/damage/counted_damage.py)

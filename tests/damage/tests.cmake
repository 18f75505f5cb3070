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

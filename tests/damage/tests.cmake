# -------- damage/: what a capture withstands, and what a hostile one costs --------
add_executable(damage_check damage/damage_check.c damage/damage_kit.c damage/file_k.c)
target_link_libraries(damage_check PRIVATE unit_support)
set_target_properties(damage_check PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/damage)
foreach(id W3 W4 W6)
  kymo_test(NAME damage/${id} LABEL damage COMMAND damage_check ${id})
endforeach()

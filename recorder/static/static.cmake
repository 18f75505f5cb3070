# kymo-record as one small file: static-pie, without the parts of its libraries that it cannot reach (static_left_out.txt), without
# the tables for unwinding the stack (nothing unwinds), and with relocations packed. Included by recorder/CMakeLists.txt.
option(KYMO_STATIC_WHOLE "Leave nothing out of the static kymo-record; for linkers and libraries with which that does not work" OFF)

target_link_options(kymo-record PRIVATE -static-pie)

# A build for size (MinSizeRel) stays fast where events pass: what runs for each of them.
foreach(hot pipeline/encode.c pipeline/event_counts.c pipeline/pipeline.c live/live_rings.c)
  set_property(SOURCE ${CMAKE_SOURCE_DIR}/recorder/${hot} TARGET_DIRECTORY kymo_recorder
               APPEND PROPERTY COMPILE_OPTIONS $<$<CONFIG:MinSizeRel>:-O2>)
endforeach()
foreach(hot base/number_set.c write/chunk.c write/chunk_encode.c write/intern_table.c)
  set_property(SOURCE ${CMAKE_SOURCE_DIR}/formats/${hot} TARGET_DIRECTORY kymo_formats
               APPEND PROPERTY COMPILE_OPTIONS $<$<CONFIG:MinSizeRel>:-O2>)
endforeach()
if(KYMO_STATIC_WHOLE)
  return()
endif()
find_program(BASH bash REQUIRED)
include(CheckLinkerFlag)
set(LEFT_OUT ${CMAKE_CURRENT_BINARY_DIR}/left_out.c)
set(COMPILER_WITH_ROOT ${CMAKE_C_COMPILER})
if(CMAKE_SYSROOT)
  list(APPEND COMPILER_WITH_ROOT --sysroot=${CMAKE_SYSROOT})
endif()
add_custom_command(
  OUTPUT ${LEFT_OUT}
  COMMAND ${BASH} ${CMAKE_CURRENT_LIST_DIR}/static_left_out.sh ${CMAKE_CURRENT_LIST_DIR}/static_left_out.txt ${CMAKE_NM} ${COMPILER_WITH_ROOT} > ${LEFT_OUT}.new
  COMMAND ${CMAKE_COMMAND} -E rename ${LEFT_OUT}.new ${LEFT_OUT}
  DEPENDS ${CMAKE_CURRENT_LIST_DIR}/static_left_out.sh ${CMAKE_CURRENT_LIST_DIR}/static_left_out.txt
  COMMENT "What the static kymo-record leaves out"
  VERBATIM)
set_source_files_properties(${LEFT_OUT} PROPERTIES COMPILE_OPTIONS -fno-builtin)
# as objects of the program, not a library: they must be defined before the archives are searched
target_sources(kymo-record PRIVATE ${LEFT_OUT} ${CMAKE_CURRENT_LIST_DIR}/static_zlib.c)

check_linker_flag(C -Wl,-z,pack-relative-relocs KYMO_LINKER_PACKS_RELOCATIONS) # with glibc from 2.36
if(KYMO_LINKER_PACKS_RELOCATIONS)
  target_link_options(kymo-record PRIVATE -Wl,-z,pack-relative-relocs)
endif()
target_link_options(kymo-record PRIVATE -Wl,--gc-sections)
# who takes what, and who would have called what is left out: tests/static/left_out.sh reads it
target_link_options(kymo-record PRIVATE -Wl,-Map=${CMAKE_CURRENT_BINARY_DIR}/kymo-record.map,--cref)

# The linker's own script for this kind of program, with .eh_frame among what it discards. Only GNU ld tells it.
execute_process(
  COMMAND ${COMPILER_WITH_ROOT} -static-pie -Wl,-z,relro,-z,now,--verbose
  OUTPUT_VARIABLE SAID ERROR_QUIET)
string(REGEX MATCH "=====+\n(.*)\n=====+" SCRIPT "${SAID}")
set(SCRIPT "${CMAKE_MATCH_1}")
if(SCRIPT MATCHES "/DISCARD/ : {")
  string(REGEX REPLACE "\n[ \t]*\\.eh_frame[^\n]*" "" SCRIPT "${SCRIPT}")
  string(REPLACE "/DISCARD/ : {" "/DISCARD/ : { *(.eh_frame) *(.eh_frame.*)" SCRIPT "${SCRIPT}")
  file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/static.ld CONTENT "${SCRIPT}" @ONLY)
  target_link_options(kymo-record PRIVATE -Wl,--no-eh-frame-hdr -Wl,-T,${CMAKE_CURRENT_BINARY_DIR}/static.ld)
else()
  message(STATUS "kymo-record keeps its tables for unwinding: this linker does not tell its script")
endif()

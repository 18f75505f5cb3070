# The BPF object, its skeleton, and the live source on top of them: library kymo_live. Included by CMakeLists.txt here.
find_program(CLANG_FOR_BPF NAMES clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14 REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)
pkg_check_modules(LIBBPF REQUIRED IMPORTED_TARGET libbpf)

if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  message(FATAL_ERROR "the BPF programs read x86-64 registers; other machines are not supported yet (KYMO_RECORDER=OFF builds the analyzer)")
endif()

set(BPF_SOURCE_DIR ${CMAKE_SOURCE_DIR}/bpf)
set(BPF_OUT ${CMAKE_CURRENT_BINARY_DIR}/bpf)
file(MAKE_DIRECTORY ${BPF_OUT})

# -g: BTF is what relocates the programs to the running kernel. v3 has 32-bit arithmetic and the atomics used for counting.
set(BPF_FLAGS -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Wno-unused-parameter
              -I${CMAKE_SOURCE_DIR} -I${BPF_SOURCE_DIR} -ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)
if(CMAKE_LIBRARY_ARCHITECTURE)
  list(APPEND BPF_FLAGS -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}) # asm/types.h
endif()
if(KYMO_WERROR)
  list(APPEND BPF_FLAGS -Werror)
endif()

set(BPF_OBJECTS "")
foreach(name state syscalls cpu tasks inflight)
  add_custom_command(
    OUTPUT ${BPF_OUT}/${name}.bpf.o
    COMMAND ${CLANG_FOR_BPF} ${BPF_FLAGS} -MD -MF ${BPF_OUT}/${name}.bpf.d -MT ${BPF_OUT}/${name}.bpf.o
            -c ${BPF_SOURCE_DIR}/${name}.bpf.c -o ${BPF_OUT}/${name}.bpf.o
    DEPENDS ${BPF_SOURCE_DIR}/${name}.bpf.c
    DEPFILE ${BPF_OUT}/${name}.bpf.d
    COMMENT "BPF ${name}"
    VERBATIM)
  list(APPEND BPF_OBJECTS ${BPF_OUT}/${name}.bpf.o)
endforeach()

add_custom_command(
  OUTPUT ${BPF_OUT}/kymo_bpf.skel.h
  COMMAND ${BPFTOOL} gen object ${BPF_OUT}/kymo_bpf.o ${BPF_OBJECTS}
  COMMAND ${BPFTOOL} gen skeleton ${BPF_OUT}/kymo_bpf.o name kymo_bpf > ${BPF_OUT}/kymo_bpf.skel.h
  DEPENDS ${BPF_OBJECTS}
  COMMENT "BPF skeleton"
  VERBATIM)
add_custom_target(kymo_bpf_skeleton DEPENDS ${BPF_OUT}/kymo_bpf.skel.h)

set(LIVE_SOURCES
  ${CMAKE_CURRENT_LIST_DIR}/live_blocks.c
  ${CMAKE_CURRENT_LIST_DIR}/doctor_live.c
  ${CMAKE_CURRENT_LIST_DIR}/doctor_programs.c
  ${CMAKE_CURRENT_LIST_DIR}/live_errors.c
  ${CMAKE_CURRENT_LIST_DIR}/live_inflight.c
  ${CMAKE_CURRENT_LIST_DIR}/live_perf_events.c
  ${CMAKE_CURRENT_LIST_DIR}/live_probes.c
  ${CMAKE_CURRENT_LIST_DIR}/live_reach.c
  ${CMAKE_CURRENT_LIST_DIR}/live_rings.c
  ${CMAKE_CURRENT_LIST_DIR}/live_settings.c
  ${CMAKE_CURRENT_LIST_DIR}/live_source.c
  ${CMAKE_CURRENT_LIST_DIR}/live_stats.c
  ${CMAKE_CURRENT_LIST_DIR}/live_wanted.c)
add_library(kymo_live STATIC ${LIVE_SOURCES})
add_dependencies(kymo_live kymo_bpf_skeleton)
target_include_directories(kymo_live SYSTEM PRIVATE ${BPF_OUT}) # generated: its warnings are not ours
target_include_directories(kymo_live PRIVATE ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(kymo_live PUBLIC kymo_formats PkgConfig::LIBBPF)
if(KYMO_STATIC) # a shared libbpf brings these itself
  pkg_check_modules(LIBBPF_NEEDS REQUIRED IMPORTED_TARGET libelf zlib)
  target_link_libraries(kymo_live PUBLIC PkgConfig::LIBBPF_NEEDS)
endif()

option(KYMO_LIVE_FORCE_FALLBACKS "Take the fallback of every probe, to test them on a kernel that needs none" OFF)
if(KYMO_LIVE_FORCE_FALLBACKS)
  target_compile_definitions(kymo_live PRIVATE KYMO_LIVE_FORCE_FALLBACKS)
endif()

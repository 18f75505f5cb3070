# The BPF object and its skeleton, for the live source in kymo_recorder. Included by recorder/CMakeLists.txt.
find_program(CLANG_FOR_BPF NAMES clang clang-19 clang-18 clang-17 clang-16 clang-15 clang-14 REQUIRED)
find_program(BASH bash REQUIRED)
find_program(ZSTD_PROGRAM zstd REQUIRED) # packs the object
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  set(BPF_MACHINE x86)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  set(BPF_MACHINE arm64)
else()
  message(FATAL_ERROR "bpf/machine.bpf.h does not know the registers of ${CMAKE_SYSTEM_PROCESSOR} (KYMO_RECORDER=OFF builds the analyzer)")
endif()

set(BPF_SOURCE_DIR ${CMAKE_SOURCE_DIR}/bpf)
set(BPF_OUT ${CMAKE_CURRENT_BINARY_DIR}/bpf)
file(MAKE_DIRECTORY ${BPF_OUT})

# -g: BTF is what relocates the programs to the running kernel. v3 has 32-bit arithmetic and the atomics used for counting.
set(BPF_FLAGS -target bpf -D__TARGET_ARCH_${BPF_MACHINE} -mcpu=v3 -O2 -g -Wall -Wextra -Wno-unused-parameter
              -I${CMAKE_SOURCE_DIR} -I${BPF_SOURCE_DIR}
              -ffile-prefix-map=${CMAKE_SOURCE_DIR}=. -fdebug-compilation-dir=.) # line information names sources: not where this tree is
if(CMAKE_SYSROOT) # another machine's headers before this one's
  list(APPEND BPF_FLAGS -isystem ${CMAKE_SYSROOT}/usr/include/${CMAKE_LIBRARY_ARCHITECTURE} -isystem ${CMAKE_SYSROOT}/usr/include)
elseif(CMAKE_LIBRARY_ARCHITECTURE)
  list(APPEND BPF_FLAGS -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}) # asm/types.h
endif()
if(KYMO_WERROR)
  list(APPEND BPF_FLAGS -Werror)
endif()

set(BPF_OBJECTS "")
file(GLOB BPF_SOURCES CONFIGURE_DEPENDS ${BPF_SOURCE_DIR}/*.bpf.c)
foreach(first syscalls state) # the linker wants what is extern elsewhere before those who use it
  list(REMOVE_ITEM BPF_SOURCES ${BPF_SOURCE_DIR}/${first}.bpf.c)
  list(PREPEND BPF_SOURCES ${BPF_SOURCE_DIR}/${first}.bpf.c)
endforeach()
foreach(source ${BPF_SOURCES})
  get_filename_component(name ${source} NAME_WE)
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

set(PACK_OBJECT ${CMAKE_CURRENT_LIST_DIR}/pack_object.sh)
add_custom_command(
  OUTPUT ${BPF_OUT}/kymo_bpf.skel.h ${BPF_OUT}/kymo_bpf.skel.h.zst
  COMMAND ${BPFTOOL} gen object ${BPF_OUT}/kymo_bpf.o ${BPF_OBJECTS}
  COMMAND ${BPFTOOL} gen skeleton ${BPF_OUT}/kymo_bpf.o name kymo_bpf > ${BPF_OUT}/kymo_bpf.unpacked.h
  COMMAND ${BASH} ${PACK_OBJECT} ${BPF_OUT}/kymo_bpf.unpacked.h ${BPF_OUT}/kymo_bpf.o ${BPF_OUT}/kymo_bpf.skel.h
  DEPENDS ${BPF_OBJECTS} ${PACK_OBJECT}
  COMMENT "BPF skeleton"
  VERBATIM)
add_custom_target(kymo_bpf_skeleton DEPENDS ${BPF_OUT}/kymo_bpf.skel.h)

add_dependencies(kymo_recorder kymo_bpf_skeleton)
set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/live_object.c PROPERTIES
  COMPILE_DEFINITIONS KYMO_BPF_OBJECT_FILE="${BPF_OUT}/kymo_bpf.skel.h.zst" OBJECT_DEPENDS ${BPF_OUT}/kymo_bpf.skel.h.zst)
target_include_directories(kymo_recorder SYSTEM PRIVATE ${BPF_OUT}) # generated: its warnings are not ours
if(KYMO_STATIC) # a shared libbpf brings these itself
  pkg_check_modules(LIBBPF_NEEDS REQUIRED IMPORTED_TARGET libelf zlib)
  target_link_libraries(kymo_recorder PUBLIC PkgConfig::LIBBPF_NEEDS)
endif()

option(KYMO_LIVE_FORCE_FALLBACKS "Take the fallback of every probe, to test them on a kernel that needs none" OFF)
if(KYMO_LIVE_FORCE_FALLBACKS)
  target_compile_definitions(kymo_recorder PRIVATE KYMO_LIVE_FORCE_FALLBACKS)
endif()

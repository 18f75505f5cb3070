# Builds for aarch64 on another machine: cmake -DCMAKE_TOOLCHAIN_FILE=tests/cross/aarch64.cmake -DKYMO_SYSROOT=DIR, where DIR was made
# by tests/cross/sysroot.sh.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES KYMO_SYSROOT)
if(NOT IS_DIRECTORY "${KYMO_SYSROOT}/root")
  message(FATAL_ERROR "-DKYMO_SYSROOT=DIR is missing, DIR being made by tests/cross/sysroot.sh")
endif()
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_SYSROOT ${KYMO_SYSROOT}/root)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${CMAKE_SYSROOT})
set(ENV{PKG_CONFIG_LIBDIR} ${CMAKE_SYSROOT}/usr/lib/aarch64-linux-gnu/pkgconfig:${CMAKE_SYSROOT}/usr/share/pkgconfig)
set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/emulate.sh ${KYMO_SYSROOT}) # ctest runs unit tests with it

# kymo_docs(PROGRAM FOLDER DEFINITIONS TABLES...): manual pages and completions of one program, from the tables of its options (TABLES, as
# FOLDER/rows.in includes them) and the prose in FOLDER/*.scd. DEFINITIONS go to the preprocessor, with ; between. The preprocessor of the
# target's compiler reads the tables, so nothing has to run on the machine that builds for another.
find_program(SCDOC scdoc)
find_program(AWK NAMES awk mawk gawk REQUIRED)
if(NOT SCDOC)
  message(STATUS "Manual pages are left out: scdoc is not installed")
endif()
set(KYMO_DOCS ${CMAKE_CURRENT_LIST_DIR})
add_custom_target(docs ALL)

function(kymo_docs program folder definitions)
  set(rows ${CMAKE_CURRENT_BINARY_DIR}/man/${program}.rows)
  set(expanded ${CMAKE_CURRENT_BINARY_DIR}/man/${program}.i)
  set(input ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/rows.in)
  list(TRANSFORM definitions PREPEND -D)
  list(TRANSFORM ARGN PREPEND ${CMAKE_SOURCE_DIR}/)
  if(CMAKE_C_COMPILER_TARGET) # clang, for another machine
    set(definitions --target=${CMAKE_C_COMPILER_TARGET} ${definitions})
  endif()
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/man ${CMAKE_CURRENT_BINARY_DIR}/completions)
  add_custom_command(
    OUTPUT ${rows}
    COMMAND ${CMAKE_C_COMPILER} ${definitions} -E -P -undef -x c -I${CMAKE_SOURCE_DIR} ${input} -o ${expanded}
    COMMAND ${AWK} -f ${KYMO_DOCS}/rows.awk ${expanded} > ${rows}
    DEPENDS ${input} ${ARGN} ${KYMO_DOCS}/rows.awk
    VERBATIM)

  set(made "")
  foreach(pair "bash:${program}:bash-completion/completions" "zsh:_${program}:zsh/site-functions"
               "fish:${program}.fish:fish/vendor_completions.d")
    string(REPLACE ":" ";" pair ${pair})
    list(GET pair 0 shell)
    list(GET pair 1 name)
    list(GET pair 2 directory)
    set(output ${CMAKE_CURRENT_BINARY_DIR}/completions/${name})
    add_custom_command(
      OUTPUT ${output}
      COMMAND ${AWK} -v shell=${shell} -v program=${program} -f ${KYMO_DOCS}/completion.awk ${rows} > ${output}
      DEPENDS ${rows} ${KYMO_DOCS}/completion.awk
      VERBATIM)
    list(APPEND made ${output})
    install(FILES ${output} DESTINATION ${CMAKE_INSTALL_DATADIR}/${directory} COMPONENT docs)
  endforeach()

  file(GLOB pages CONFIGURE_DEPENDS ${folder}/*.scd)
  foreach(page ${pages})
    if(NOT SCDOC)
      break()
    endif()
    get_filename_component(name ${page} NAME)
    string(REGEX REPLACE "\\.scd$" "" name ${name})
    string(REGEX REPLACE ".*\\." "" section ${name})
    set(output ${CMAKE_CURRENT_BINARY_DIR}/man/${name})
    add_custom_command(
      OUTPUT ${output}
      COMMAND ${AWK} -v version=${PROJECT_VERSION} -f ${KYMO_DOCS}/man_page.awk ${rows} ${page} > ${output}.scd
      COMMAND ${SCDOC} < ${output}.scd > ${output}.roff
      COMMAND ${AWK} -f ${KYMO_DOCS}/tidy_roff.awk ${output}.roff > ${output}
      DEPENDS ${rows} ${page} ${KYMO_DOCS}/man_page.awk ${KYMO_DOCS}/tidy_roff.awk
      VERBATIM)
    list(APPEND made ${output})
    install(FILES ${output} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section} COMPONENT docs)
  endforeach()
  add_custom_target(${program}-docs DEPENDS ${made})
  add_dependencies(docs ${program}-docs)
endfunction()

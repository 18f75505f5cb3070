# Embeds the files of web/: sets KYMO_WEB_SOURCES to the C files that hold them.
set(KYMO_WEB_SOURCES "")
foreach(asset flame.css flame.js)
  string(REPLACE "." "_" asset_symbol ${asset})
  set(asset_source ${CMAKE_CURRENT_BINARY_DIR}/web_${asset_symbol}.c)
  add_custom_command(
    OUTPUT ${asset_source}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${CMAKE_CURRENT_LIST_DIR}/${asset}
            -DNAME=kymo_web_${asset_symbol} -DOUTPUT=${asset_source}
            -P ${CMAKE_CURRENT_LIST_DIR}/embed_text.cmake
    DEPENDS ${CMAKE_CURRENT_LIST_DIR}/${asset} ${CMAKE_CURRENT_LIST_DIR}/embed_text.cmake
    VERBATIM)
  list(APPEND KYMO_WEB_SOURCES ${asset_source})
endforeach()
